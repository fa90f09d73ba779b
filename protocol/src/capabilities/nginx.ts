/** nginx. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, durationSchema, mutate, observe, pathSchema } from './capability.ts';

/** A virtual host, and the file whose presence its configuration asks for: `if (-f /srv/shop/maintenance)`. */
const vhost = {
  host: z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'a host name'),
  path: pathSchema.describe('the flag file'),
};

export const diagnostics = {
  nginx: observe(
    'Whether the nginx configuration is valid, and what its logs say of errors.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'nginx.test': observe(
    'Whether nginx accepts its configuration (`nginx -t`).',
    z.strictObject({}),
    z.object({ valid: z.boolean(), output: z.string() }),
  ),
  'nginx.maintenance_state': observe(
    'Whether a virtual host of nginx is in maintenance, by its flag file and by what it answers.',
    z.strictObject(vhost),
    z.object({
      supported: z.boolean().describe('whether its configuration asks for this file'),
      flag: z.boolean(),
      mode: z.enum(['on', 'off', 'none']).describe('on when it answers 503, none when it does not answer'),
    }),
  ),
};

export const changes = {
  'nginx.reload': mutate(
    'Have nginx read its configuration again. Taken back when it is known what it had read before.',
    'low',
    z.strictObject({ unit: z.literal('nginx.service') }),
    { undoable: true },
  ),
  'nginx.maintenance': mutate(
    'Put a virtual host of nginx into maintenance by its flag file, or take it out. A timer of the server takes it out again.',
    'medium',
    z.strictObject({ ...vhost, mode: z.enum(['on', 'off']), expires: durationSchema }),
    { undoable: true },
  ),
};
