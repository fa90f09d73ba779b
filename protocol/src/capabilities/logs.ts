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
import { containerNameSchema } from './containers.ts';

/** The name of a file in /etc/logrotate.d. */
const logrotateNameSchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'the name of a file in /etc/logrotate.d');

export const diagnostics = {
  logs: observe(
    'Lines of a unit’s journal, of a container or of a log file, counted by level.',
    z.strictObject({
      unit: unitSchema.optional(),
      container: containerNameSchema.optional(),
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
    'How much space the journal takes (`journalctl --disk-usage`), and how much more than `keep` its closed files do.',
    z.strictObject({ keep: sizeSchema.optional() }),
    z.object({ bytes: z.int(), over_bytes: z.int(), oldest: z.string().nullable() }),
  ),
  'log.writers': observe(
    'The logs that a file of /etc/logrotate.d names, and the processes that still write to a copy that was moved away.',
    z.strictObject({ name: logrotateNameSchema }),
    z.object({ exists: z.boolean(), logs: z.int(), bytes: z.int(), astray: z.int() }),
  ),
  'log.file': observe(
    'Size and writers of a log file, and whether something is written to it within `wait`.',
    z.strictObject({ path: pathSchema, wait: durationSchema.default('5s').describe('10s at most') }),
    z.object({ exists: z.boolean(), bytes: z.int(), writers: z.int(), written: z.boolean() }),
  ),
};

export const changes = {
  'journal.vacuum': mutate(
    'Delete the oldest journal files until the journal is small enough.',
    'low',
    z.strictObject({ keep: sizeSchema.default('500M') }),
    { timeoutMs: 120_000 },
  ),
  'log.truncate': mutate(
    'Empty a log that a process writes to, after a copy of its end was kept on the server.',
    'high',
    z.strictObject({
      path: pathSchema,
      keep_tail: z.enum(['1M', '5M', '10M']).default('5M').describe('how much of its end is copied'),
    }),
  ),
  'log.rotate': mutate(
    'Have logrotate begin new logs now, as one file of /etc/logrotate.d says.',
    'low',
    z.strictObject({ name: logrotateNameSchema }),
    { timeoutMs: 300_000 },
  ),
};
