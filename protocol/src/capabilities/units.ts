/** Units of systemd: what is wrong with them, and starting, stopping and mending them. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe, unitSchema } from './capability.ts';

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
  'unit.restore': mutate(
    'Bring a unit back to what it was before this action: stopped, or running with the configuration it has now. Only as an undo.',
    'medium',
    unit,
    { timeoutMs: 120_000 },
  ),
};
