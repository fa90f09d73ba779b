/** nginx. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe } from './capability.ts';

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
};

export const changes = {};
