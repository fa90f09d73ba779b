/**
 * Whether an approver's signature is good. `node:crypto` alone, since the runner relies on it.
 * Sources: W3C Web Authentication Level 3, section 7.2 (verifying an assertion); RFC 8032 (Ed25519).
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { type ApproverSignature, approverSignatureSchema, type RelyingParty } from './approver.ts';
import { isPlainBase64url, signValue, verifyValue } from './signing.ts';

/** What keeps a signature from counting, in words; `null` when it is good. Never throws: malformed input is a reason. */
export function whyNotSigned(signature: ApproverSignature, digest: string, party: RelyingParty | null): string | null {
  const parsed = approverSignatureSchema.safeParse(signature);
  if (!parsed.success || !/^[0-9a-f]{64}$/.test(digest)) return 'it is malformed';
  if (parsed.data.kind === 'ed25519')
    return verifyValue('approval', { digest }, parsed.data.signature, parsed.data.key)
      ? null
      : 'it is over something else';
  return party === null ? 'no relying party is pinned for passkeys' : whyNotAsserted(parsed.data, digest, party);
}

/** Signs a digest with an Ed25519 approver key; `seed` as in `signing.ts`. */
export function signDigest(digest: string, seed: string): string {
  return signValue('approval', { digest }, seed);
}

/** The bytes of `countersign approve` by an ssh-agent: what {@link signDigest} signs. */
export function bytesToSign(digest: string): Buffer {
  return Buffer.from(`countersign/approval/v1\n{"digest":"${digest}"}`);
}

type Assertion = Extract<ApproverSignature, { kind: 'passkey' }>;

const clientDataSchema = z.object({
  type: z.literal('webauthn.get'),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

// Authenticator data (section 6.1): 32 bytes hash of the relying party's id, 1 byte of flags, 4 bytes of counter, and more.
const AUTHENTICATOR_DATA_MIN = 37;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;

function whyNotAsserted(assertion: Assertion, digest: string, party: RelyingParty): string | null {
  if (![assertion.clientData, assertion.authenticatorData, assertion.signature].every(isPlainBase64url))
    return 'it is malformed';
  const clientData = Buffer.from(assertion.clientData, 'base64url');
  const client = parseClientData(clientData);
  if (client === null) return 'its client data is not that of an assertion on a page of its own';
  if (client.challenge !== Buffer.from(digest, 'hex').toString('base64url')) return 'it is over something else';
  if (!party.origins.includes(client.origin)) return 'it was made on a page that is not pinned';
  const data = Buffer.from(assertion.authenticatorData, 'base64url');
  if (data.length < AUTHENTICATOR_DATA_MIN) return 'its authenticator data is too short';
  if (!data.subarray(0, 32).equals(hash(party.id))) return 'it is for another relying party';
  const flags = data.readUInt8(32);
  if ((flags & USER_PRESENT) === 0 || (flags & USER_VERIFIED) === 0) return 'the passkey did not verify its user';
  const signed = Buffer.concat([data, hash(clientData)]);
  return verifyWith(assertion.key, signed, Buffer.from(assertion.signature, 'base64url')) ? null : 'it does not verify';
}

function parseClientData(bytes: Buffer): z.infer<typeof clientDataSchema> | null {
  try {
    return clientDataSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null; // not JSON
  }
}

function verifyWith(key: string, data: Buffer, signature: Buffer): boolean {
  try {
    const publicKey = createPublicKey({
      key: Buffer.from(key.slice('passkey:'.length), 'base64url'),
      format: 'der',
      type: 'spki',
    });
    const algorithm = algorithmOf(publicKey);
    return algorithm !== undefined && verify(algorithm, data, publicKey, signature);
  } catch {
    return false; // not a key, or a signature of another form
  }
}

/** The hash that goes with a key: ES256, RS256 or EdDSA. Keys of other kinds are not taken. */
function algorithmOf(key: KeyObject): string | null | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ed25519') return null;
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'sha256';
  if (key.asymmetricKeyType === 'rsa' && Number(details?.modulusLength) >= 2048) return 'sha256';
  return undefined;
}

const hash = (data: string | Buffer) => createHash('sha256').update(data).digest();
