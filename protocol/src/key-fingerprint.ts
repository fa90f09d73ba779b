/** The short name of an approver's key, the same on the command line, on a server and, for Ed25519, in OpenSSH. */
import { createHash } from 'node:crypto';

const ED25519_BLOB = Buffer.from('0000000b7373682d6564323535313900000020', 'hex');

/**
 * `SHA256:` and 43 characters of base64. For Ed25519 the same as `ssh-keygen -l` and `ssh-add -l` print (RFC 4253 section 6.6,
 * RFC 8709 section 4); for a passkey over its SubjectPublicKeyInfo.
 */
export function keyFingerprint(key: string): string {
  const [kind = '', text = ''] = key.split(':');
  const raw = Buffer.from(text, 'base64url');
  const bytes = kind === 'passkey' ? raw : Buffer.concat([ED25519_BLOB, raw]);
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
}
