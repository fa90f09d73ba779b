/** Logins over SSH. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { addressSchema, diagnosticOptions, durationSchema, mutate, observe, sinceSchema } from './capability.ts';

export const diagnostics = {
  ssh_auth: observe(
    'Who tries to log in over SSH and who did: top sources, logins from new addresses, logins as root, settings that invite guessing.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'ssh.block_state': observe(
    'Whether an address is blocked.',
    z.strictObject({ address: addressSchema }),
    z.object({ blocked: z.boolean() }),
  ),
};

export const changes = {
  'ssh.block_ip': mutate(
    'Drop everything from an address that tries to log in over SSH, for a while. Never from those who are needed.',
    'medium',
    z.strictObject({
      address: addressSchema.describe('at most a /24, for IPv6 a /64'),
      ttl: durationSchema.describe('at most 24h'),
    }),
    { timeoutMs: 30_000, undoable: true },
  ),
};
