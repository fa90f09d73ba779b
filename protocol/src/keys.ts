/** The text forms of keys and signatures. Apart from `signing.ts` because the dashboard has no `node:crypto`. */
import { z } from 'zod';

/** A public key as text: `ed25519:` and the raw 32 bytes in base64url. */
export const publicKeySchema = z
  .string()
  .regex(/^ed25519:[A-Za-z0-9_-]{43}$/, 'an Ed25519 public key, as ed25519:<43 base64url characters>');
/** A signature as text: 64 bytes in base64url. */
export const signatureSchema = z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'an Ed25519 signature in base64url');
