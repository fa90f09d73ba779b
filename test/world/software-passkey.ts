/**
 * An authenticator in software: makes a passkey (attestation `none`) and signs with it, byte for byte as a browser hands
 * it on. Sources: W3C Web Authentication Level 3, sections 6.1 (authenticator data), 6.5.1 (attested credential data),
 * 5.8.1 (client data); RFC 9053, section 7, and RFC 8230, section 4 (keys in COSE); RFC 8949 (CBOR).
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { ApproverSignature } from '@countersign/protocol';

type Json = Parameters<typeof JSON.stringify>[0];

/** How this passkey lies, for tests that attack. What is left out is true. */
export interface Twist {
  readonly userVerified?: boolean;
  readonly origin?: string;
  readonly rpId?: string;
  /** The counter of the next answer, instead of one more than the last. */
  readonly counter?: number;
  readonly crossOrigin?: boolean;
  /** Another challenge than the one that was asked for. */
  readonly challenge?: string;
}

export interface SoftwarePasskey {
  /** The public key as a lock names it: `passkey:<SPKI base64url>`. */
  readonly key: string;
  readonly credentialId: string;
  /** Answers `startPasskey`: the `response` of `addPasskey`. */
  register(options: Record<string, Json>, twist?: Twist): Record<string, Json>;
  /** Answers `startPasskeySignIn` or `startProof`. */
  assert(options: Record<string, Json> | null, twist?: Twist): Record<string, Json>;
  /** Signs the digest of a plan or of a lock change (64 hex digits). */
  signDigest(digest: string, twist?: Twist): ApproverSignature;
}

/** What browsers and devices make: most of them ES256, Windows Hello RS256. */
export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';
const keyPair = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;

/** Makes a passkey for one site, such as `{rpId: 'localhost', origin: 'http://localhost:7070'}`. */
export function makePasskey(
  site: { readonly rpId: string; readonly origin: string },
  algorithm: Algorithm = 'ES256',
): SoftwarePasskey {
  const { publicKey, privateKey } = keyPair[algorithm]();
  const id = randomBytes(16);
  const credentialId = id.toString('base64url');
  let counter = 0;
  let userHandle: string | undefined;

  const authenticatorData = (twist: Twist, attested = Buffer.alloc(0)) => {
    counter = twist.counter ?? counter + 1;
    const flags =
      USER_PRESENT | (twist.userVerified === false ? 0 : USER_VERIFIED) | (attested.length > 0 ? ATTESTED : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([hash(twist.rpId ?? site.rpId), Buffer.of(flags), count, attested]);
  };
  const clientData = (type: 'webauthn.create' | 'webauthn.get', challenge: string, twist: Twist) =>
    Buffer.from(
      JSON.stringify({
        type,
        challenge: twist.challenge ?? challenge,
        origin: twist.origin ?? site.origin,
        crossOrigin: twist.crossOrigin ?? false,
      }),
    );
  const answer = (challenge: string, twist: Twist) => {
    const client = clientData('webauthn.get', challenge, twist);
    const data = authenticatorData(twist);
    const signature = sign(algorithm === 'EdDSA' ? null : 'sha256', Buffer.concat([data, hash(client)]), privateKey);
    return {
      authenticatorData: data.toString('base64url'),
      clientDataJSON: client.toString('base64url'),
      signature: signature.toString('base64url'),
    };
  };
  const credential = (response: Record<string, Json>) => ({
    ...{ id: credentialId, rawId: credentialId, type: 'public-key' },
    ...{ response, clientExtensionResults: {}, authenticatorAttachment: 'platform' },
  });
  const key = `passkey:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64url')}`;
  return {
    key,
    credentialId,
    register: (options, twist = {}) => {
      userHandle = (options.user as { id: string }).id;
      const client = clientData('webauthn.create', String(options.challenge), twist);
      const idLength = Buffer.of(id.length >> 8, id.length & 0xff);
      const attested = Buffer.concat([
        Buffer.alloc(16),
        idLength,
        id,
        coseKey(algorithm, publicKey.export({ format: 'jwk' })),
      ]);
      const attestation = cbor(
        new Map<string, Cbor>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', authenticatorData(twist, attested)],
        ]),
      );
      return credential({
        clientDataJSON: client.toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      });
    },
    assert: (options, twist = {}) => {
      if (options === null) throw new Error('there are no options: passkeys do not work there');
      const allowed = (options.allowCredentials ?? []) as { id: string }[];
      if (allowed.length > 0 && !allowed.some((it) => it.id === credentialId))
        throw new Error('this passkey is not among those that are asked for');
      return credential({ ...answer(String(options.challenge), twist), ...(userHandle && { userHandle }) });
    },
    signDigest: (digest, twist = {}) => {
      const made = answer(Buffer.from(digest, 'hex').toString('base64url'), twist);
      const { authenticatorData, clientDataJSON: clientData, signature } = made;
      return { kind: 'passkey', key, authenticatorData, clientData, signature };
    },
  };
}

/** The members of a public key in JSON (RFC 7517) that COSE has too. */
type Jwk = Readonly<Partial<Record<'x' | 'y' | 'n' | 'e', string | undefined>>>;

function coseKey(algorithm: Algorithm, { x = '', y = '', n = '', e = '' }: Jwk): Buffer {
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  // The members are kty, alg, and by kind: crv, x, y; crv, x; n, e.
  const members: Record<Algorithm, [number, Cbor][]> = {
    ES256: [...pairs(1, 2, 3, -7, -1, 1), [-2, bytes(x)], [-3, bytes(y)]],
    EdDSA: [...pairs(1, 1, 3, -8, -1, 6), [-2, bytes(x)]],
    RS256: [...pairs(1, 3, 3, -257), [-1, bytes(n)], [-2, bytes(e)]],
  };
  return cbor(new Map(members[algorithm]));
}

function pairs(...numbers: number[]): [number, Cbor][] {
  return Array.from({ length: numbers.length / 2 }, (_, n) => [numbers[2 * n] ?? 0, numbers[2 * n + 1] ?? 0]);
}

type Cbor = number | string | Buffer | Map<number, Cbor> | Map<string, Cbor>;

/** The few kinds of CBOR that an authenticator needs: integers, text, bytes, maps. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value);
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value]);
  const entries: [Cbor, Cbor][] = [...value];
  return Buffer.concat([cborHead(5, entries.length), ...entries.flatMap(([name, it]) => [cbor(name), cbor(it)])]);
}

function cborHead(major: number, size: number): Buffer {
  if (size < 24) return Buffer.of((major << 5) | size);
  if (size < 0x100) return Buffer.of((major << 5) | 24, size);
  return Buffer.of((major << 5) | 25, size >> 8, size & 0xff);
}

const hash = (data: string | Buffer) => createHash('sha256').update(data).digest();
