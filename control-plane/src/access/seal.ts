/** Sealing: text in the database that only who holds the seal key can read. AES-256-GCM (NIST SP 800-38D). */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { Ids } from '@countersign/protocol';

const FORM = 's1';

/**
 * Seals text. `purpose` is bound in: what was sealed for one purpose cannot be opened for another. The nonce comes from a
 * fresh 256-bit secret, through a key of its own, so that it never repeats for the key.
 */
export function seal(text: string, key: Buffer, purpose: string, ids: Pick<Ids, 'secret'>): string {
  const salt = ids.secret('');
  const cipher = createCipheriv('aes-256-gcm', subkey(key, purpose, salt), Buffer.alloc(12));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return [FORM, salt, sealed.toString('base64url')].join('.');
}

/** Opens what {@link seal} made. Throws when it was changed, or sealed with another key or for another purpose. */
export function unseal(sealed: string, key: Buffer, purpose: string): string {
  const [form, salt, body, ...rest] = sealed.split('.');
  if (form !== FORM || salt === undefined || body === undefined || rest.length > 0)
    throw new Error('not a sealed value');
  const bytes = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', subkey(key, purpose, salt), Buffer.alloc(12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
}

/** A key for one value: each is used once, so a fixed nonce is safe. */
function subkey(key: Buffer, purpose: string, salt: string): Buffer {
  return createHmac('sha256', key).update(`countersign/seal/v1\n${purpose}\n${salt}`).digest();
}
