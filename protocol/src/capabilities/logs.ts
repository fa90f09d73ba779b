/** What units and programs wrote. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import {
  diagnosticOptions,
  durationSchema,
  mutate,
  observe,
  pathSchema,
  sizeSchema,
  unitSchema,
} from './capability.ts';

export const diagnostics = {
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
    diagnosticOptions,
  ),
};

export const probes = {
  'journal.usage': observe(
    'How much space the journal takes (`journalctl --disk-usage`).',
    z.strictObject({}),
    z.object({ bytes: z.int(), oldest: z.string().nullable() }),
  ),
};

export const changes = {
  'journal.vacuum': mutate(
    'Delete the oldest journal files until the journal is small enough.',
    'low',
    z.strictObject({ keep: sizeSchema.default('500M') }),
    { timeoutMs: 120_000 },
  ),
};
