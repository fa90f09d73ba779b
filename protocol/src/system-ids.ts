/** Identifiers and secrets from the system's randomness. Only this file asks for it. */
import { randomBytes } from 'node:crypto';
import type { Ids } from './ids.ts';

/** Crockford's base 32, without letters that look alike. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export const systemIds: Ids = {
  id: (kind) => `${kind}_${Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]).join('')}`,
  secret: (prefix) => `${prefix}${randomBytes(32).toString('base64url')}`,
  random: () => randomBytes(4).readUInt32LE() / 2 ** 32,
};
