/** The firewall. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe, sha256Schema } from './capability.ts';

/** The longest text of firewall rules. */
export const RULESET_CHARACTERS_MAX = 128 * 1024;

export const diagnostics = {
  firewall: observe(
    'What the firewall lets in by default, and which listening ports everybody outside can reach.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {
  'firewall.apply': mutate(
    'Replace the whole ruleset of nftables, in force and in /etc/nftables.conf. Checked beforehand, taken back as a whole.',
    'critical',
    z.strictObject({
      ruleset: z
        .string()
        .min(1)
        .max(RULESET_CHARACTERS_MAX)
        .regex(/^[^\0]*$/, 'text')
        .describe('the whole text of /etc/nftables.conf, beginning with `flush ruleset`, including no other file'),
      expected_sha256: sha256Schema
        .optional()
        .describe('of the present /etc/nftables.conf, so that nothing is replaced unseen'),
    }),
    { timeoutMs: 30_000, undoable: true },
  ),
};
