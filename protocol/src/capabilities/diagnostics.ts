/** Capabilities that people and assistants meet as diagnostics. Each returns ranked findings. Source: catalog.md. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { durationSchema, observe, pathSchema, unitSchema } from './capability.ts';

const since = durationSchema.default('24h').describe('how far to look back');
const diagnostic = { diagnostic: true, timeoutMs: 18_000 } as const;

export const diagnostics = {
  overview: observe(
    'Load, memory, pressure, fullest mounts and failed units at a glance.',
    z.strictObject({}),
    diagnosticReportSchema,
    { ...diagnostic, needsRoot: false },
  ),
  disk: observe(
    'Full file systems, the biggest folders, and deleted files that are still open.',
    z.strictObject({ path: pathSchema.default('/'), top: z.int().min(1).max(50).default(20) }),
    diagnosticReportSchema,
    diagnostic,
  ),
  inodes: observe(
    'File systems that run out of inodes, and the folders with most entries.',
    z.strictObject({ mount: pathSchema.default('/') }),
    diagnosticReportSchema,
    diagnostic,
  ),
  memory_oom: observe(
    'Memory use by process, and kills by the out-of-memory killer.',
    z.strictObject({ since }),
    diagnosticReportSchema,
    diagnostic,
  ),
  cpu_runaway: observe(
    'Processes that use the most CPU, with their units, and stolen time.',
    z.strictObject({ window_s: z.int().min(1).max(10).default(2).describe('seconds between the two samples') }),
    diagnosticReportSchema,
    diagnostic,
  ),
  service: observe(
    'State, exit code, restarts and last errors of one unit.',
    z.strictObject({ unit: unitSchema }),
    diagnosticReportSchema,
    diagnostic,
  ),
  failed_units: observe(
    'Units that failed or gave up restarting.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnostic,
  ),
  logs: observe(
    'Lines of a unit’s journal or of a log file, counted by level.',
    z.strictObject({
      unit: unitSchema.optional(),
      file: pathSchema.optional(),
      since: durationSchema.default('1h'),
      grep: z.string().min(1).max(200).optional().describe('plain text that lines must contain'),
      lines: z.int().min(1).max(500).default(200),
    }),
    diagnosticReportSchema,
    diagnostic,
  ),
  network_ports: observe(
    'Who listens where, and whether an expected port is missing.',
    z.strictObject({ port: z.int().min(1).max(65_535).optional() }),
    diagnosticReportSchema,
    diagnostic,
  ),
  nginx: observe(
    'Whether the nginx configuration is valid, and what its logs say of errors.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnostic,
  ),
};
