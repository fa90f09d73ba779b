/** Timers and cron jobs. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe, sinceSchema, unitSchema } from './capability.ts';

export const diagnostics = {
  cron_timers: observe(
    'Jobs of timers and cron that fail, hang or are missed, and all that is scheduled.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

/** What can be done with a timer: run its job once now, keep it from running until the next boot, have it run again. */
export const timerVerbSchema = z.enum(['run', 'pause', 'resume']);

export const probes = {
  'timer.state': observe(
    'A timer and how the last run of its job ended; `as_told` says whether it is as `verb` leaves it.',
    z.strictObject({ unit: unitSchema, verb: timerVerbSchema }),
    z.object({
      exists: z.boolean(),
      active: z.boolean(),
      job: z.string(),
      job_state: z.string(),
      job_result: z.string(),
      as_told: z.boolean(),
    }),
  ),
};

export const changes = {
  'timer.tell': mutate(
    'Run the job of a timer once now, stop the timer until the next boot, or start it again.',
    'medium',
    z.strictObject({ unit: unitSchema, verb: timerVerbSchema }),
    { timeoutMs: 1_800_000, undoable: true },
  ),
};
