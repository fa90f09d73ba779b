/** The code behind `protocol/src/capabilities/logs.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { journalUsage } from './journal-usage.ts';
import { journalVacuum } from './journal-vacuum.ts';
import { logs } from './logs.ts';

export const diagnostics = { logs } satisfies Partial<Observers>;
export const probes = { 'journal.usage': journalUsage } satisfies Partial<Observers>;
export const changes = { 'journal.vacuum': journalVacuum } satisfies Partial<Changers>;
