/** Units of systemd: what is wrong with them, and starting, stopping and mending them. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe, sizeSchema, unitSchema } from './capability.ts';

/** State of a unit. Source: systemctl(1) `show`, org.freedesktop.systemd1(5). */
export const unitStateSchema = z.object({
  exists: z.boolean(),
  active_state: z.string(),
  sub_state: z.string(),
  unit_file_state: z.string(),
  /** Whether it is started at boot. */
  enabled: z.boolean(),
  result: z.string(),
  main_pid: z.int(),
  restarts: z.int(),
  can_reload: z.boolean(),
  active_since: z.string().nullable(),
});

/** The most files that a process may have open: the kernel's own bound unless it was raised. Source: proc_sys_fs(5), nr_open. */
export const NOFILE_MAX = 1_048_576;

const unit = z.strictObject({ unit: unitSchema });
export const diagnostics = {
  service: observe(
    'State, exit code, restarts and last errors of one unit.',
    z.strictObject({ unit: unitSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  failed_units: observe(
    'Units that failed or gave up restarting.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'unit.state': observe('The state of a unit.', z.strictObject({ unit: unitSchema }), unitStateSchema),
  'unit.memory': observe(
    'What a unit holds in memory, and whether it has the limit that is meant.',
    z.strictObject({ unit: unitSchema, max: sizeSchema.describe('the limit that is meant') }),
    z.object({
      limited: z.boolean(),
      resident_bytes: z.int(),
      /** Since its start, by the kernel for lack of memory; 0 where that is not counted. */
      oom_kills: z.int(),
    }),
  ),
  'unit.open_files': observe(
    'How many files the main process of a unit has open, and how many it may.',
    z.strictObject({ unit: unitSchema }),
    z.object({ open: z.int(), limit: z.int() }),
  ),
};

export const changes = {
  'unit.restart': mutate('Restart a unit.', 'medium', unit, { timeoutMs: 120_000 }),
  'unit.reload': mutate('Have a unit read its configuration again.', 'low', unit),
  'unit.reload_or_restart': mutate('Reload a unit, or start it when it does not run.', 'medium', unit, {
    timeoutMs: 120_000,
  }),
  'unit.start': mutate('Start a unit.', 'medium', unit, { timeoutMs: 120_000, undoable: true }),
  'unit.stop': mutate('Stop a unit.', 'high', unit, { timeoutMs: 120_000, undoable: true }),
  'unit.reset_failed': mutate('Clear the failed state of a unit.', 'low', unit),
  'unit.set_enabled': mutate('Have a unit started at boot, or not.', 'medium', unit.extend({ enabled: z.boolean() }), {
    undoable: true,
  }),
  'unit.limit_memory': mutate(
    'Set how much memory a unit may hold, until its server is booted again.',
    'medium',
    unit.extend({ max: sizeSchema }),
    { undoable: true },
  ),
  'unit.raise_nofile': mutate(
    'Let a unit have more files open, now and after a restart.',
    'medium',
    unit.extend({ nofile: z.int().min(1024).max(NOFILE_MAX) }),
    { undoable: true },
  ),
  'unit.restore': mutate(
    'Bring a unit back to what it was before this action: stopped, or running with the configuration it has now. Only as an undo.',
    'medium',
    unit,
    { timeoutMs: 120_000 },
  ),
};
