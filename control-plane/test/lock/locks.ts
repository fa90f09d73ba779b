/** Locks with real keys, for tests. */
import type { LockChange, LockState, SignedLockChange } from '@countersign/protocol';
import { signDigest } from '@countersign/protocol/approver-signature';
import { sha256 } from '@countersign/protocol/digest';
import { changeDigest, stateDigest } from '@countersign/protocol/follow-lock';
import { makeSigningKey, type SigningKey } from '@countersign/protocol/signing';

export const ada = makeSigningKey();
export const bo = makeSigningKey();
export const cy = makeSigningKey();
export const RECOVERY = 'recovery-secret-of-the-lock';

/** A lock of Ada and Bo: two signatures for a change of it and for high and critical risk. */
export function lockOf(more: Partial<LockState> = {}): LockState {
  return {
    format: 'countersign-lock/1',
    chain: 'lck_000000000001',
    number: 0,
    keys: [
      { key: ada.publicKey, holder: 'Ada' },
      { key: bo.publicKey, holder: 'Bo' },
    ],
    signatures: { low: 1, medium: 1, high: 2, critical: 2, change: 2 },
    party: null,
    recovery: sha256(RECOVERY),
    disabled: false,
    ...more,
  };
}

/** A change of a state, signed. */
export function signed(
  state: LockState,
  change: LockChange['change'],
  signers: readonly SigningKey[] = [ada, bo],
): SignedLockChange {
  const whole: LockChange = { format: 'countersign-lock-change/1', before: stateDigest(state), at: 1, change };
  const digest = changeDigest(whole);
  return {
    change: whole,
    signatures: signers.map(({ publicKey, seed }) => ({
      kind: 'ed25519' as const,
      key: publicKey,
      signature: signDigest(digest, seed),
    })),
  };
}

export const addCy = (state: LockState, signers?: readonly SigningKey[]) =>
  signed(state, { kind: 'add', key: { key: cy.publicKey, holder: 'Cy' } }, signers);
