/** Processes, CPU and memory. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe, sinceSchema } from './capability.ts';

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

export const probes = {};

export const changes = {};
