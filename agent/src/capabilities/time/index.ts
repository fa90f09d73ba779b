/** The code behind `protocol/src/capabilities/time.ts`. */
import type { Observers } from '../capability.ts';
import { timeSync } from './time-sync.ts';

export const diagnostics = { time_sync: timeSync } satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
