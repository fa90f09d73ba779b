/** Public keys of approvers as people write and compare them. */
import { approverKeySchema } from '@countersign/protocol';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import { keyOfBlob, SshFormatError } from './ssh-wire.ts';

/** Our form of a public key that was written as `ed25519:…`, `passkey:…` or an OpenSSH line; null when it is none. */
export function readKeyText(text: string): string | null {
  const trimmed = text.trim();
  if (approverKeySchema.safeParse(trimmed).success) return trimmed;
  const [, blob] = /^ssh-ed25519 ([A-Za-z0-9+/]+={0,2})(?: [^\n]*)?$/.exec(trimmed) ?? [];
  if (blob === undefined) return null;
  try {
    return keyOfBlob(Buffer.from(blob, 'base64'));
  } catch (error) {
    if (error instanceof SshFormatError) return null;
    throw error;
  }
}

/** Whether somebody who wrote `wanted` means this key: its text, its fingerprint, or a beginning of the fingerprint. */
export function isKeyNamed(key: string, wanted: string): boolean {
  const print = keyFingerprint(key);
  const bare = wanted.replace(/^SHA256:/, '');
  return wanted === key || readKeyText(wanted) === key || (bare.length >= 8 && print.startsWith(`SHA256:${bare}`));
}
