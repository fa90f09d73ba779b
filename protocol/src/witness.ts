/**
 * What a server keeps of the control plane's audit log, and what its own journal says: two sides of the same story, so that
 * neither can be rewritten alone. Signed with the runner's own key (purpose `witness`). Source: design.md, section 10; T22.
 */
import { z } from 'zod';
import { sha256Schema } from './capabilities/index.ts';
import { idSchema } from './ids.ts';
import { publicKeySchema, signatureSchema } from './keys.ts';

/** A checkpoint that the server keeps: the log had `size` entries, and entry number `size` had the hash `head`. */
export const witnessedSchema = z.object({ size: z.int().positive(), head: sha256Schema, at: z.int() });
export type Witnessed = z.infer<typeof witnessedSchema>;

/** What the journal says of one action. */
export const journaledSchema = z.object({
  action: idSchema('act'),
  digest: sha256Schema,
  state: z.enum(['open', 'refused', 'succeeded', 'failed', 'stopped', 'unknown']),
  /** When its intent, or its refusal, was written. */
  at: z.int(),
});
export type Journaled = z.infer<typeof journaledSchema>;

export const witnessSchema = z.object({
  format: z.literal('countersign-witness/1'),
  server: idSchema('srv'),
  key: publicKeySchema,
  at: z.int(),
  /** Oldest first; thinned out with age, the newest always there. */
  checkpoints: z.array(witnessedSchema).max(3000),
  journal: z.object({
    head: sha256Schema,
    lines: z.int().nonnegative(),
    /** Why the journal does not verify, or null. */
    broken: z.string().max(500).nullable(),
    /** The newest actions, oldest first. */
    actions: z.array(journaledSchema).max(3000),
  }),
});
export type Witness = z.infer<typeof witnessSchema>;

export const signedWitnessSchema = z.object({ witness: witnessSchema, signature: signatureSchema });
export type SignedWitness = z.infer<typeof signedWitnessSchema>;
