/** Processes, CPU and memory. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import {
  diagnosticOptions,
  durationSchema,
  mutate,
  observe,
  pathSchema,
  sinceSchema,
  sizeSchema,
  unitSchema,
} from './capability.ts';

/** One process for ever: its number is given anew after it ended, so when it was started is told as well. */
const processSchema = z.strictObject({
  pid: z.int().min(2).max(4_194_304),
  start_time: z.int().min(0).describe('clock ticks after boot at which it started: field 22 of /proc/PID/stat'),
});
const ofUnit = processSchema.extend({ unit: unitSchema.describe('that it belongs to') });

export const diagnostics = {
  overview: observe(
    'Load, memory, pressure, fullest mounts and failed units at a glance.',
    z.strictObject({}),
    diagnosticReportSchema,
    { ...diagnosticOptions, needsRoot: false },
  ),
  memory_oom: observe(
    'Memory use by process, and kills by the out-of-memory killer.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  swap: observe(
    'How full swap is, how much moves in and out, and which processes lie in it.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  cpu_runaway: observe(
    'Processes that use the most CPU, with their units, and stolen time.',
    z.strictObject({ window_s: z.int().min(1).max(10).default(2).describe('seconds between the two samples') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  zombies: observe(
    'Processes that ended and were never asked for, with their parents, and processes that hang in the kernel.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  conntrack_fd: observe(
    'How near the server and its processes are to their limits of connections and open files.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

/** A process as checks read it; what is `null` is not known, since it is gone. A zombie is gone. */
const processStateSchema = z.object({
  alive: z.boolean(),
  name: z.string().nullable(),
  nice: z.int().nullable(),
  memory_bytes: z.int().nullable(),
});

export const probes = {
  'process.state': observe('Whether a process still runs, and how.', processSchema, processStateSchema),
  'process.zombies': observe(
    'How many processes of a unit ended and were never asked for by their parent.',
    z.strictObject({ unit: unitSchema }),
    z.object({ zombies: z.int() }),
  ),
  'memory.state': observe(
    'How much memory can still be given out, and how long tasks wait for it.',
    z.strictObject({}),
    z.object({
      available_percent: z.number(),
      /** Share of the last 10 s in which some task waited for memory, per cent; null where the kernel does not measure it. */
      pressure_percent: z.number().nullable(),
    }),
  ),
  'swap.state': observe(
    'Whether a partition or file is used as swap, and how much of it.',
    z.strictObject({ device: pathSchema }),
    z.object({ active: z.boolean(), used_percent: z.number() }),
  ),
  'conntrack.state': observe(
    'How full the table of connections of the kernel is, and whether it had to drop some.',
    z.strictObject({}),
    z.object({
      max: z.int(),
      used_percent: z.number(),
      /** Since boot, for lack of room; null where the kernel does not tell. */
      drops: z.int().nullable(),
    }),
  ),
};

export const changes = {
  'process.end': mutate(
    'End one process of a unit: SIGTERM, then, only where that is asked for, SIGKILL.',
    'high',
    ofUnit.extend({
      wait: durationSchema.default('20s').describe('how long it has to end, 1 minute at most'),
      kill: z.boolean().default(false).describe('whether it is killed when it has not ended by then'),
    }),
    { timeoutMs: 120_000 },
  ),
  'process.renice': mutate(
    'Give a process less of the CPU and of the disk when others want them too.',
    'low',
    ofUnit.extend({ nice: z.int().min(5).max(19) }),
    { undoable: true },
  ),
  'process.reap': mutate(
    'Remind a process of its zombies with SIGCHLD, and restart its unit when that does not help.',
    'medium',
    ofUnit,
    { timeoutMs: 150_000 },
  ),
  'swap.add': mutate(
    'Make a swap file, use it, and have it used after a boot as well.',
    'medium',
    z.strictObject({ path: pathSchema, size: sizeSchema }),
    { timeoutMs: 300_000, undoable: true },
  ),
  'swap.cycle': mutate(
    'Bring everything that lies in a swap partition or file back into memory.',
    'high',
    z.strictObject({ device: pathSchema }),
    { timeoutMs: 600_000, undoable: true },
  ),
  'conntrack.raise': mutate(
    'Let the kernel track more connections, now and after a boot.',
    'medium',
    z.strictObject({ max: z.int().min(1024).max(100_000_000) }),
    { undoable: true },
  ),
};
