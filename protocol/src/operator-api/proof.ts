/** Fresh evidence that it is the signed-in person who asks. */
import { z } from 'zod';

/** What a browser's WebAuthn call takes and gives, in the JSON forms of the specification (section 5.1.8 and 5.1.9). */
export const webauthnJson = z.record(z.string(), z.json());

/**
 * A fresh proof that it is the signed-in person who asks: the password, a code of the authenticator app, or a passkey's answer to
 * the options of `startProof`.
 */
export const proofSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('password'), password: z.string().max(200) }),
  z.strictObject({ kind: z.literal('code'), code: z.string().regex(/^\d{6}$/, 'six digits') }),
  z.strictObject({ kind: z.literal('passkey'), response: webauthnJson }),
]);
export type Proof = z.infer<typeof proofSchema>;
