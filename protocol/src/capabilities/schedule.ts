/** Timers and cron jobs. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe, sinceSchema } from './capability.ts';

export const diagnostics = {
  cron_timers: observe(
    'Jobs of timers and cron that fail, hang or are missed, and all that is scheduled.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {};
