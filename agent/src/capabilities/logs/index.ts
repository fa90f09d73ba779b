/** The code behind `protocol/src/capabilities/logs.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { journalUsage } from './journal-usage.ts';
import { journalVacuum } from './journal-vacuum.ts';
import { logFile } from './log-file.ts';
import { logRotate } from './log-rotate.ts';
import { logTruncate } from './log-truncate.ts';
import { logWriters } from './log-writers.ts';
import { logs } from './logs.ts';

export const diagnostics = { logs } satisfies Partial<Observers>;
export const probes = {
  'journal.usage': journalUsage,
  'log.file': logFile,
  'log.writers': logWriters,
} satisfies Partial<Observers>;
export const changes = {
  'journal.vacuum': journalVacuum,
  'log.rotate': logRotate,
  'log.truncate': logTruncate,
} satisfies Partial<Changers>;
