/** The rules of the lock: which signatures count, and how a change leads from one state to the next. Pure. */
import type { ApproverSignature } from './approver.ts';
import { whyNotSigned } from './approver-signature.ts';
import { digestOf, sameSecret, sha256 } from './digest.ts';
import { fault } from './errors.ts';
import { type LockChange, type LockState, lockStateSchema, type SignedLockChange } from './lock.ts';

/** The holders whose pinned keys signed a digest. Signatures that do not count are passed over. */
export function holdersThatSigned(
  state: LockState,
  digest: string,
  signatures: readonly ApproverSignature[],
): ReadonlySet<string> {
  const good = signatures.filter((signature) => whyNotCounted(state, digest, signature) === null);
  const signed = state.keys.filter(({ key }) => good.some((signature) => signature.key === key));
  return new Set(signed.map(({ holder }) => holder));
}

/** Why one signature does not count on this lock, in words; `null` when it does. */
export function whyNotCounted(state: LockState, digest: string, signature: ApproverSignature): string | null {
  if (holderOf(state, signature.key) === undefined) return 'its key is not one that is pinned';
  return whyNotSigned(signature, digest, state.party);
}

/** Whose key it is; `undefined` when it is none of the lock's. */
export function holderOf(state: LockState, key: string): string | undefined {
  return state.keys.find((it) => it.key === key)?.holder;
}

/** The digest that approvers sign to make a change. */
export const changeDigest = (change: LockChange): string => digestOf(change);
/** The digest that a change names as the state before it. */
export const stateDigest = (state: LockState): string => digestOf(state);

/**
 * The state after a change. Throws `lock_change_invalid` when the change belongs to another state, is signed by too few
 * present holders, or would leave a lock that nobody could open.
 */
export function followChange(state: LockState, { change, signatures }: SignedLockChange): LockState {
  if (state.disabled) throw invalid('the lock was ended');
  if (change.before !== stateDigest(state)) throw invalid('it was made for another state of the lock');
  const signed = holdersThatSigned(state, changeDigest(change), signatures).size;
  if (change.change.kind !== 'disable' && signed < state.signatures.change)
    throw invalid(`${signed} of ${state.signatures.change} needed holders signed it`);
  return checked({ ...apply(state, change.change), number: state.number + 1 });
}

/** The state itself when it can be opened. Throws `lock_change_invalid` when it cannot, or has another form. */
export function checked(state: LockState): LockState {
  const parsed = lockStateSchema.safeParse(state);
  if (!parsed.success) throw invalid('it does not have the form of a lock');
  const reason = whyUnusable(parsed.data);
  if (reason !== null) throw invalid(reason);
  return parsed.data;
}

/**
 * What is wrong with a lock, in words: nobody could open it (too few holders, a key twice, no relying party for passkeys), or too
 * few could change it. `null` when it is good.
 */
export function whyUnusable({ keys, signatures, party }: LockState): string | null {
  const holders = new Set(keys.map(({ holder }) => holder)).size;
  const most = Math.max(...Object.values(signatures));
  if (most > holders) return `it asks for ${most} holders and names ${holders}`;
  // Or fewer holders than a plan needs could first change the lock, and then be enough.
  if (signatures.change < most) return `fewer may change it (${signatures.change}) than must sign a plan (${most})`;
  if (new Set(keys.map(({ key }) => key)).size !== keys.length) return 'a key is there twice';
  if (party === null && keys.some(({ key }) => key.startsWith('passkey:'))) return 'a passkey needs a relying party';
  return null;
}

function apply(state: LockState, change: LockChange['change']): LockState {
  switch (change.kind) {
    case 'add':
      return { ...state, keys: [...state.keys, change.key] };
    case 'remove': {
      const keys = state.keys.filter(({ key }) => key !== change.key);
      if (keys.length === state.keys.length) throw invalid('the key is none of the lock’s');
      return { ...state, keys };
    }
    case 'require':
      return { ...state, signatures: change.signatures };
    case 'party':
      return { ...state, party: change.party };
    case 'disable':
      if (state.recovery === null || !sameSecret(sha256(change.secret), state.recovery))
        throw invalid('the recovery secret is wrong');
      return { ...state, disabled: true };
  }
}

const invalid = (reason: string) => fault('lock_change_invalid', { reason });
