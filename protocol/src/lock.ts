/**
 * The lock of a server: which approver keys count there, and how many must sign for which risk. The owner pins a state of it
 * in the server's own policy; each change is signed by the keys of the state before, so every server follows the chain from
 * its own pin, and no control plane can bend it. Shapes only; `follow-lock.ts` applies changes.
 */
import { z } from 'zod';
import { approverKeySchema, approverSignatureSchema, relyingPartySchema } from './approver.ts';
import { sha256Schema } from './capabilities/index.ts';
import { idSchema } from './ids.ts';

const count = z.int().min(1).max(10);
/** Whose a key is. `form-of.ts` says it in patterns. */
export const holderSchema = z.string().trim().min(1).max(100);

/** A key that counts, and whose it is: two keys of one holder count once. */
export const lockKeySchema = z.strictObject({ key: approverKeySchema, holder: holderSchema });
export type LockKey = z.infer<typeof lockKeySchema>;

/** How many holders must sign: for a plan of each risk, and for a change of the lock itself. */
export const lockSignaturesSchema = z.strictObject({
  low: count.default(1),
  medium: count.default(1),
  high: count.default(1),
  critical: count.default(1),
  change: count.default(1),
});
export type LockSignatures = z.infer<typeof lockSignaturesSchema>;

export const lockStateSchema = z.strictObject({
  format: z.literal('countersign-lock/1'),
  /** Random, so that two locks with the same keys never share a chain. */
  chain: idSchema('lck'),
  /** 0 for the first state; each change adds one. A state never comes back, so no change can be played again. */
  number: z.int().nonnegative(),
  keys: z.array(lockKeySchema).min(1).max(50),
  signatures: lockSignaturesSchema,
  /** Needed when one of the keys is a passkey. */
  party: relyingPartySchema.nullable(),
  /** SHA-256 of the recovery secret that ends the lock without any key; null when there is none. */
  recovery: sha256Schema.nullable(),
  /** Ended with the recovery secret: the server believes the control plane again. */
  disabled: z.boolean().default(false),
});
export type LockState = z.infer<typeof lockStateSchema>;

/** What stands in the place of the recovery secret where a change that used it up is shown. */
export const HIDDEN_SECRET = '[recovery secret, not shown]';

export const lockChangeSchema = z.strictObject({
  format: z.literal('countersign-lock-change/1'),
  /** Digest of the state that it changes. */
  before: sha256Schema,
  at: z.int(),
  change: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('add'), key: lockKeySchema }),
    z.strictObject({ kind: z.literal('remove'), key: approverKeySchema }),
    z.strictObject({ kind: z.literal('require'), signatures: lockSignaturesSchema }),
    z.strictObject({ kind: z.literal('party'), party: relyingPartySchema }),
    z.strictObject({ kind: z.literal('disable'), secret: z.string().min(20).max(200) }),
  ]),
});
export type LockChange = z.infer<typeof lockChangeSchema>;

/** A change with the signatures of present approvers over its digest. `disable` needs none: its secret is the proof. */
export const signedLockChangeSchema = z.strictObject({
  change: lockChangeSchema,
  signatures: z.array(approverSignatureSchema).max(20),
});
export type SignedLockChange = z.infer<typeof signedLockChangeSchema>;
