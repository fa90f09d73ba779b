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
  cpu_runaway: observe(
    'Processes that use the most CPU, with their units, and stolen time.',
    z.strictObject({ window_s: z.int().min(1).max(10).default(2).describe('seconds between the two samples') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {};
