/**
 * Approver keys and what is signed with them, as text forms. Apart from `approver-signature.ts`, which checks signatures,
 * because the dashboard has no `node:crypto`. Sources: RFC 8032; W3C Web Authentication Level 3, section 7.2.
 */
import { z } from 'zod';
import { publicKeySchema, signatureSchema } from './keys.ts';

const base64url = (bytesMax: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'base64url without padding')
    .max(Math.ceil((bytesMax * 4) / 3));

/** A passkey's public key as text: `passkey:` and the SubjectPublicKeyInfo (DER, RFC 5280) in base64url. */
export const passkeyKeySchema = z
  .string()
  .max(900)
  .regex(/^passkey:[A-Za-z0-9_-]{40,}$/, 'a passkey’s public key, as passkey:<base64url of its SubjectPublicKeyInfo>');

/** A public key of an approver: an Ed25519 key (a file or an ssh-agent holds it) or a passkey. */
export const approverKeySchema = z.union([publicKeySchema, passkeyKeySchema]);

/** A signature by an approver over a digest. */
export const approverSignatureSchema = z.discriminatedUnion('kind', [
  /** Ed25519 over `countersign/approval/v1`, a line feed, and `{"digest":"…"}`. */
  z.strictObject({ kind: z.literal('ed25519'), key: publicKeySchema, signature: signatureSchema }),
  /** A WebAuthn assertion whose challenge is the 32 bytes of the digest. */
  z.strictObject({
    kind: z.literal('passkey'),
    key: passkeyKeySchema,
    authenticatorData: base64url(1024),
    clientData: base64url(2048),
    signature: base64url(1024),
  }),
]);
export type ApproverSignature = z.infer<typeof approverSignatureSchema>;

/** Where passkeys are used: a passkey signs for one relying party only, and its answer names the page's origin. */
export const relyingPartySchema = z.strictObject({
  /** A domain name: `ops.example.org` or `localhost`. */
  id: z.string().min(1).max(253),
  origins: z.array(z.string().max(300)).min(1).max(10),
});
export type RelyingParty = z.infer<typeof relyingPartySchema>;
