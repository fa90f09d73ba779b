/** Logins over SSH. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { addressSchema, diagnosticOptions, durationSchema, mutate, observe, sinceSchema } from './capability.ts';

/** Settings that make guessing harder. What each writes stands in the agent. */
export const hardeningSchema = z.enum([
  'no_passwords',
  'no_empty_passwords',
  'root_by_key_only',
  'no_root',
  'few_tries',
]);

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
  'ssh.setting_state': observe(
    'Whether sshd, by its own word, goes by a setting, and whether it greets who connects.',
    z.strictObject({ setting: hardeningSchema }),
    z.object({ in_force: z.boolean(), greets: z.boolean() }),
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
  'ssh.harden': mutate(
    'Set one setting of sshd by a file of its own, as long as an administrator logs in with a key. Taken back as a whole.',
    'critical',
    z.strictObject({ setting: hardeningSchema }),
    { timeoutMs: 30_000, undoable: true },
  ),
};
