/** Approvers with real keys, locks that pin them, and what they sign: for tests of locked servers. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { ApproverSignature, RelyingParty } from '../src/approver.ts';
import { signDigest } from '../src/approver-signature.ts';
import { changeDigest, stateDigest } from '../src/follow-lock.ts';
import type { LockChange, LockSignatures, LockState, SignedLockChange } from '../src/lock.ts';
import { makeSigningKey } from '../src/signing.ts';

export const PARTY: RelyingParty = { id: 'ops.example.org', origins: ['https://ops.example.org'] };

/** Somebody with a key that signs digests. */
export interface Approver {
  readonly holder: string;
  readonly key: string;
  sign(digest: string): ApproverSignature;
}

/** Has an Ed25519 key in a file. */
export function approver(holder: string): Approver {
  const { publicKey: key, seed } = makeSigningKey();
  return { holder, key, sign: (digest) => ({ kind: 'ed25519', key, signature: signDigest(digest, seed) }) };
}

/** What a test may bend of an assertion before, or after, it is signed. */
export interface AssertionBend {
  readonly client?: object;
  readonly party?: string;
  readonly flags?: number;
  /** What comes behind flags and counter. */
  readonly more?: Buffer;
  readonly data?: (data: Buffer) => Buffer;
  readonly signature?: (signature: Buffer) => Buffer;
}

export interface PasskeyHolder extends Approver {
  assert(digest: string, bend?: AssertionBend): Extract<ApproverSignature, { kind: 'passkey' }>;
}

/** Has a passkey, made here as an authenticator makes it. */
export function passkeyHolder(
  holder: string,
  kind: 'ES256' | 'RS256' | 'Ed25519' | 'P-384' | 'RSA-1024' = 'ES256',
): PasskeyHolder {
  const { publicKey, privateKey } = pairOf(kind);
  const key = `passkey:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64url')}`;
  const assert = (digest: string, bend: AssertionBend = {}) => {
    const challenge = Buffer.from(digest, 'hex').toString('base64url');
    const client = { type: 'webauthn.get', challenge, origin: PARTY.origins[0], crossOrigin: false, ...bend.client };
    const clientData = Buffer.from(JSON.stringify(client));
    const head = Buffer.from([bend.flags ?? 0x05, 0, 0, 0, 7]);
    const made = Buffer.concat([sha(bend.party ?? PARTY.id), head, bend.more ?? Buffer.alloc(0)]);
    const data = bend.data?.(made) ?? made;
    const signature = sign(
      kind === 'Ed25519' ? null : 'sha256',
      Buffer.concat([data, sha(clientData)]),
      privateKey as KeyObject,
    );
    return {
      kind: 'passkey' as const,
      key,
      authenticatorData: data.toString('base64url'),
      clientData: clientData.toString('base64url'),
      signature: (bend.signature?.(signature) ?? signature).toString('base64url'),
    };
  };
  return { holder, key, sign: assert, assert };
}

function pairOf(kind: Parameters<typeof passkeyHolder>[1]) {
  switch (kind) {
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'RSA-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    default:
      return generateKeyPairSync('ec', { namedCurve: kind === 'P-384' ? 'P-384' : 'P-256' });
  }
}

/** A first state that pins these keys. A change of it takes as many holders as the strictest plan, unless told. */
export function lockOf(
  approvers: readonly Pick<Approver, 'key' | 'holder'>[],
  signatures: Partial<LockSignatures> = {},
  given: Partial<LockState> = {},
): LockState {
  const plans = { low: 1, medium: 1, high: 1, critical: 1, ...signatures };
  return {
    format: 'countersign-lock/1',
    chain: 'lck_000000000001',
    number: 0,
    keys: approvers.map(({ key, holder }) => ({ key, holder })),
    signatures: { change: Math.max(plans.low, plans.medium, plans.high, plans.critical), ...plans },
    party: approvers.some(({ key }) => key.startsWith('passkey:')) ? PARTY : null,
    recovery: null,
    disabled: false,
    ...given,
  };
}

/** A change of a state, signed by these approvers. */
export function changeOf(
  before: LockState,
  change: LockChange['change'],
  approvers: readonly Approver[],
): SignedLockChange {
  const made: LockChange = { format: 'countersign-lock-change/1', before: stateDigest(before), at: 0, change };
  return { change: made, signatures: approvers.map((it) => it.sign(changeDigest(made))) };
}

const sha = (data: string | Buffer) => createHash('sha256').update(data).digest();
