/** The clock of the server. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe } from './capability.ts';

export const diagnostics = {
  time_sync: observe(
    'Whether something keeps the clock right, and how far it is off.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'time.state': observe(
    'How the clock is kept now.',
    z.strictObject({}),
    z.object({
      keeper_active: z.boolean().describe('whether a program that keeps the clock runs'),
      synchronised: z.boolean().describe('whether it has heard the time from a server since it began'),
      off_ms: z.number().nullable().describe('how far the clock is off by the word of its servers, either way'),
    }),
  ),
};

export const changes = {
  'time.resync': mutate(
    'Switch the keeping of the clock on and have it ask its servers anew. A clock that is far off jumps.',
    'medium',
    z.strictObject({
      allow_step: z.boolean().default(false).describe('whether the clock may jump'),
      max_offset_s: z.int().min(1).max(86_400).default(60).describe('the farthest it may be off, seconds'),
    }),
    { timeoutMs: 45_000 },
  ),
};
