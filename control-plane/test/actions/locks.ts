/** Approvers with keys of their own, and locks that name them. */
import type { ApproverSignature, LockState } from '@countersign/protocol';
import { signDigest } from '@countersign/protocol/approver-signature';
import { lockSignaturesSchema } from '@countersign/protocol/lock';
import { makeSigningKey } from '@countersign/protocol/signing';
import { makePasskey } from '../../../test/world/software-passkey.ts';

/** Somebody who can sign digests. */
export interface Approver {
  readonly key: string;
  sign(digest: string): ApproverSignature;
}

/** Where the passkeys of these tests are used: the `party` of `heart.ts`. */
export const site = { rpId: 'ops.example.org', origin: 'https://ops.example.org' };

export function ed25519Approver(): Approver {
  const { publicKey, seed } = makeSigningKey();
  return {
    key: publicKey,
    sign: (digest) => ({ kind: 'ed25519', key: publicKey, signature: signDigest(digest, seed) }),
  };
}

export function passkeyApprover(place = site): Approver {
  const passkey = makePasskey(place);
  return { key: passkey.key, sign: (digest) => passkey.signDigest(digest) };
}

/** A lock with the keys of each holder; one signature for everything, unless told. */
export function lockWith(
  holders: Readonly<Record<string, readonly Approver[]>>,
  signatures: Partial<LockState['signatures']> = {},
): LockState {
  return {
    format: 'countersign-lock/1',
    chain: 'lck_000000000001',
    number: 0,
    keys: Object.entries(holders).flatMap(([holder, keys]) => keys.map(({ key }) => ({ key, holder }))),
    signatures: lockSignaturesSchema.parse(signatures),
    party: { id: site.rpId, origins: [site.origin] },
    recovery: null,
    disabled: false,
  };
}
