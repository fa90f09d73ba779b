/** Identifiers and secrets from the system's randomness. Only this file asks for it. */
import { randomBytes } from 'node:crypto';
import type { Ids } from './ids.ts';

/** Crockford's base 32, without letters that look alike. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Bytes that were asked for ahead: every request has an identifier, and asking for each costs more than making it. */
const PAGE_BYTES = 4096;
let page: Buffer = Buffer.alloc(0);
let used = 0;

function idText(): string {
  if (used + 12 > page.length) {
    page = randomBytes(PAGE_BYTES);
    used = 0;
  }
  let text = '';
  for (const end = used + 12; used < end; used += 1) text += ALPHABET[page.readUInt8(used) % 32];
  return text;
}

export const systemIds: Ids = {
  id: (kind) => `${kind}_${idText()}`,
  secret: (prefix) => `${prefix}${randomBytes(32).toString('base64url')}`,
  random: () => randomBytes(4).readUInt32LE() / 2 ** 32,
};
