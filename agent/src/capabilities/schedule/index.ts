/** The code behind `protocol/src/capabilities/schedule.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { cronTimers } from './cron-timers.ts';
import { timerState } from './timer-state.ts';
import { timerTell } from './timer-tell.ts';

export const diagnostics = { cron_timers: cronTimers } satisfies Partial<Observers>;
export const probes = { 'timer.state': timerState } satisfies Partial<Observers>;
export const changes = { 'timer.tell': timerTell } satisfies Partial<Changers>;
