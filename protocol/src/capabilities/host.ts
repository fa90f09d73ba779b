/** The machine as a whole, and the agent itself. */
import { z } from 'zod';
import { mutate, observe } from './capability.ts';

export const diagnostics = {};

export const probes = {
  'host.boot': observe(
    'The present boot of the server.',
    z.strictObject({}),
    z.object({
      age_s: z.int().describe('how long ago it was, seconds'),
      state: z
        .string()
        .describe('running, degraded (a unit failed), starting, … Source: systemctl(1) is-system-running'),
      failed_units: z.int(),
    }),
  ),
};

export const changes = {
  'host.reboot': mutate(
    'Restart the whole server.',
    'critical',
    z.strictObject({
      delay_minutes: z.int().min(0).max(10).default(0),
      reason: z
        .string()
        .min(1)
        .max(100)
        .regex(/^[A-Za-z0-9][A-Za-z0-9 .,:_-]*$/, 'a few plain words')
        .describe('what people on the server are told'),
    }),
    { timeoutMs: 25 * 60_000 },
  ),
};
