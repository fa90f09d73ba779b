/** The text forms of keys and signatures. Apart from `signing.ts` because the dashboard has no `node:crypto`. */
import { z } from 'zod';
import { publicKeyPattern, signaturePattern } from './key-patterns.ts';

/** A public key as text: `ed25519:` and the raw 32 bytes in base64url. */
export const publicKeySchema = z
  .string()
  .regex(publicKeyPattern, 'an Ed25519 public key, as ed25519:<43 base64url characters>');
/** A signature as text: 64 bytes in base64url. */
export const signatureSchema = z.string().regex(signaturePattern, 'an Ed25519 signature in base64url');
