/**
 * Ed25519 signatures over canonical JSON (RFC 8032, RFC 8785). Every signature names its purpose in the signed bytes, so
 * that a signature made for one message can never be shown as another.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import { publicKeyPattern, signaturePattern } from './key-patterns.ts';
import { remember } from './remember.ts';

/** What a signature is for. A new kind of signed message adds its word here. */
export type SigningPurpose =
  | 'link-hello'
  | 'control-plane-hello'
  | 'grant'
  | 'approval'
  | 'checkpoint'
  | 'witness'
  | 'release';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key pair that signs. `seed` is the private half (32 bytes, base64url): keep it in a file of mode 0600 and nowhere else. */
export interface SigningKey {
  readonly publicKey: string;
  readonly seed: string;
}

/** Makes a fresh key pair from the system's randomness. */
export function makeSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const seed = seedOf(privateKey);
  return { publicKey: publicKeyOf(seed), seed };
}

/** The seed of an Ed25519 private key: the last 32 bytes of its PKCS#8 form (RFC 8410). */
export function seedOf(privateKey: KeyObject): string {
  return privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64url');
}

/** The public key that belongs to a seed. */
export function publicKeyOf(seed: string): string {
  const raw = createPublicKey(privateKeyFrom(seed)).export({ format: 'der', type: 'spki' }).subarray(-32);
  return `ed25519:${raw.toString('base64url')}`;
}

/** Signs a value for one purpose; returns the signature in base64url. */
export function signValue(purpose: SigningPurpose, value: unknown, seed: string): string {
  return sign(null, signedBytes(purpose, value), privateKeyFrom(seed)).toString('base64url');
}

/** Whether the signature over the value was made for this purpose with the key. Never throws: malformed input is `false`. */
export function verifyValue(purpose: SigningPurpose, value: unknown, signature: string, publicKey: string): boolean {
  try {
    return verifyBytes(signedBytes(purpose, value), signature, publicKey);
  } catch (error) {
    if (error instanceof Error) return false; // a value that JSON cannot hold
    throw error;
  }
}

/**
 * Signs text that already names its purpose in its first line (`countersign/<purpose>/v1`), as a C2SP signed note does.
 * Throws `TypeError` when it does not.
 */
export function signText(purpose: SigningPurpose, text: string, seed: string): string {
  if (!text.startsWith(firstLine(purpose))) throw new TypeError(`the text does not name its purpose, ${purpose}`);
  return sign(null, Buffer.from(text), privateKeyFrom(seed)).toString('base64url');
}

/** Whether the signature over the text was made for this purpose with the key. Never throws: malformed input is `false`. */
export function verifyText(purpose: SigningPurpose, text: string, signature: string, publicKey: string): boolean {
  if (!text.startsWith(firstLine(purpose))) return false;
  return verifyBytes(Buffer.from(text), signature, publicKey);
}

/** Base64url has several texts for some bytes; only the one that we write counts, so that a changed letter is always seen. */
export function isPlainBase64url(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text;
}

const firstLine = (purpose: SigningPurpose) => `countersign/${purpose}/v1\n`;

function signedBytes(purpose: SigningPurpose, value: unknown): Buffer {
  return Buffer.from(firstLine(purpose) + canonicalJson(value));
}

function verifyBytes(bytes: Buffer, signature: string, publicKey: string): boolean {
  if (!has(publicKeyPattern, publicKey) || !has(signaturePattern, signature)) return false;
  if (!isPlainBase64url(signature)) return false;
  try {
    return verify(null, bytes, publicKeyFrom(publicKey), Buffer.from(signature, 'base64url'));
  } catch (error) {
    if (error instanceof Error) return false; // not a point on the curve
    throw error;
  }
}

const has = (pattern: RegExp, text: unknown) => typeof text === 'string' && pattern.test(text);

// Parsing a key costs more than the signature itself; a process meets few keys, so they are kept.
const privateKeys = new Map<string, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

/** The private key of a seed as node:crypto holds it. */
export function privateKeyFrom(seed: string): KeyObject {
  return remember(privateKeys, KEYS_KEPT, seed, () =>
    createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, Buffer.from(seed, 'base64url')]),
      format: 'der',
      type: 'pkcs8',
    }),
  );
}

function publicKeyFrom(publicKey: string): KeyObject {
  return remember(publicKeys, KEYS_KEPT, publicKey, () => {
    const raw = Buffer.from(publicKey.slice('ed25519:'.length), 'base64url');
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
  });
}

const KEYS_KEPT = 1000;
