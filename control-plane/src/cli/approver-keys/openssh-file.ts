/** Private key files of OpenSSH. Source: PROTOCOL.key of OpenSSH (`openssh-key-v1`). */
import { UsageError } from '../exit-codes.ts';
import { ED25519_TYPE, keyOfBlob, SshFormatError, SshReader } from './ssh-wire.ts';

const PEM = /^-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/;
const MAGIC = 'openssh-key-v1\0';

export const isOpensshFile = (text: string): boolean => text.startsWith('-----BEGIN OPENSSH PRIVATE KEY-----');

export interface OpensshKey {
  /** As text, `ed25519:…`. */
  readonly publicKey: string;
  /** 32 bytes in base64url; null when the file is encrypted. */
  readonly seed: string | null;
}

/** Reads the one Ed25519 key of a file. Throws {@link UsageError} when there is another kind of key, or none. */
export function readOpensshFile(text: string, file: string): OpensshKey {
  try {
    return parse(Buffer.from(PEM.exec(text)?.[1] ?? '', 'base64'), file);
  } catch (error) {
    if (!(error instanceof SshFormatError)) throw error;
    throw new UsageError(`${file} is damaged: ${error.message}.`, 'Name another key file.');
  }
}

function parse(bytes: Buffer, file: string): OpensshKey {
  const reader = new SshReader(bytes);
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC)
    throw new SshFormatError('it does not begin as it should');
  const cipher = reader.text();
  reader.text(); // how the passphrase becomes a key
  reader.string(); // and its options
  if (reader.uint32() !== 1) throw new SshFormatError('it does not hold exactly one key');
  const publicKey = keyOfBlob(reader.string());
  if (publicKey === null)
    throw new UsageError(`${file} holds a key of another kind.`, 'Make an Ed25519 key: ssh-keygen -t ed25519');
  if (cipher !== 'none') return { publicKey, seed: null };
  const secret = new SshReader(reader.string());
  const [first, second] = [secret.uint32(), secret.uint32()];
  if (first !== second) throw new SshFormatError('its two check numbers differ');
  if (secret.text() !== ED25519_TYPE) throw new SshFormatError('its halves are of different kinds');
  secret.string(); // the public half once more
  const pair = secret.string();
  if (pair.length !== 64) throw new SshFormatError('its private half has the wrong length');
  return { publicKey, seed: pair.subarray(0, 32).toString('base64url') };
}
