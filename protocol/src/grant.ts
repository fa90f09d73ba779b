/** A grant: what the control plane sends to the runner. Plan, approvals, expiry, signature. Source: design.md, section 6. */
import { z } from 'zod';
import { approverSignatureSchema } from './approver.ts';
import { sha256Schema } from './capabilities/index.ts';
import { idSchema } from './ids.ts';
import { publicKeySchema, signatureSchema } from './keys.ts';
import { planSchema } from './plan.ts';

export const channels = ['telegram', 'web', 'ide', 'cli'] as const;
export const channelSchema = z.enum(channels);
export type Channel = z.infer<typeof channelSchema>;

/** How sure we are that a person answered. Weakest first. `form` is an answer that a client program can give by itself. */
export const strengths = ['form', 'tap', 'session', 'code', 'passkey'] as const;
export const strengthSchema = z.enum(strengths);
export type Strength = z.infer<typeof strengthSchema>;

export function strengthAtLeast(strength: Strength, least: Strength): boolean {
  return strengths.indexOf(strength) >= strengths.indexOf(least);
}

/** The most that an answer by a channel can prove. */
const most: Readonly<Record<Channel, Strength>> = { ide: 'form', telegram: 'tap', cli: 'code', web: 'passkey' };

/** Which of the channels can give an approval of this strength; on a locked server, also a signature. */
export function channelsThatDecide(
  { channels, strength }: { readonly channels: readonly Channel[]; readonly strength: Strength },
  locked: boolean,
): Channel[] {
  return channels.filter(
    (channel) => strengthAtLeast(most[channel], strength) && (!locked || channel === 'web' || channel === 'cli'),
  );
}

/** One person's decision on one digest. */
export const approvalSchema = z.strictObject({
  id: idSchema('apr'),
  person: z.strictObject({ id: idSchema('prs'), name: z.string().max(100) }),
  channel: channelSchema,
  strength: strengthSchema,
  digest: sha256Schema,
  at: z.int(),
  /** Over the digest, by a key of the person. A locked server counts nothing else. */
  signature: approverSignatureSchema.optional(),
});
export type Approval = z.infer<typeof approvalSchema>;

export const grantSchema = z.strictObject({
  format: z.literal('countersign-grant/2'),
  actionId: idSchema('act'),
  plan: planSchema,
  digest: sha256Schema,
  /** Empty when policy allowed the action without asking. */
  approvals: z.array(approvalSchema).max(20),
  /** The policy rule that asked or allowed, by name. */
  rule: z.string().max(200),
  issuedAt: z.int(),
  /** The runner starts nothing after this. */
  expiresAt: z.int(),
});
export type Grant = z.infer<typeof grantSchema>;

/** A grant with the control plane's signature (purpose `grant`) over it. */
export const signedGrantSchema = z.strictObject({
  grant: grantSchema,
  key: publicKeySchema,
  signature: signatureSchema,
});
export type SignedGrant = z.infer<typeof signedGrantSchema>;
