/** The code behind `protocol/src/capabilities/schedule.ts`. */
import type { Observers } from '../capability.ts';
import { cronTimers } from './cron-timers.ts';

export const diagnostics = { cron_timers: cronTimers } satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
