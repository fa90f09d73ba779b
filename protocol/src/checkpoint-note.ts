/**
 * A checkpoint as text: how many entries there are and the hash of the last one, signed by the control plane.
 * Source: C2SP signed-note and tlog-checkpoint (https://c2sp.org/signed-note). The first line is both the origin and the purpose of
 * the signature; the third holds the head of the chain in the place of a tree's root.
 */

import { createHash } from 'node:crypto';
import { isoTime } from './clock.ts';
import { publicKeySchema } from './keys.ts';
import { type SigningKey, signText, verifyText } from './signing.ts';

export interface Checkpoint {
  /** Number of entries that it covers. */
  readonly size: number;
  /** Hash of entry number `size`, 64 hex digits. */
  readonly head: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const ORIGIN = 'countersign/checkpoint/v1';
const KEY_NAME = 'countersign';
const ED25519 = 0x01;

/** Signs a checkpoint as a note. */
export function writeNote({ size, head, at }: Checkpoint, key: SigningKey): string {
  const text = `${ORIGIN}\n${size}\n${Buffer.from(head, 'hex').toString('base64')}\nat ${isoTime(at)}\n`;
  const signature = Buffer.from(signText('checkpoint', text, key.seed), 'base64url');
  return `${text}\n— ${KEY_NAME} ${Buffer.concat([keyId(key.publicKey), signature]).toString('base64')}\n`;
}

const NOTE =
  /^(countersign\/checkpoint\/v1\n(\d{1,16})\n([A-Za-z0-9+/]{43}=)\nat (\S{1,40})\n)\n— countersign ([A-Za-z0-9+/]{91}=)\n$/;

/** Reads a note that was signed with this key; `null` when its form or its signature does not fit. */
export function readNote(note: string, publicKey: string): Checkpoint | null {
  const [, text = '', size = '', root = '', time = '', blob = ''] = NOTE.exec(note) ?? [];
  const at = Date.parse(time);
  const bytes = Buffer.from(blob, 'base64');
  if (text === '' || Number.isNaN(at) || !publicKeySchema.safeParse(publicKey).success) return null;
  // Base64 has several texts for some bytes; only the one that we write counts, so that a changed letter is always seen.
  if (bytes.toString('base64') !== blob || Buffer.from(root, 'base64').toString('base64') !== root) return null;
  if (!bytes.subarray(0, 4).equals(keyId(publicKey))) return null;
  if (!verifyText('checkpoint', text, bytes.subarray(4).toString('base64url'), publicKey)) return null;
  return { size: Number(size), head: Buffer.from(root, 'base64').toString('hex'), at };
}

function keyId(publicKey: string): Buffer {
  const raw = Buffer.from(publicKey.slice('ed25519:'.length), 'base64url');
  return createHash('sha256')
    .update(`${KEY_NAME}\n`)
    .update(Buffer.concat([Buffer.from([ED25519]), raw]))
    .digest()
    .subarray(0, 4);
}
