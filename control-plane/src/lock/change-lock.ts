/** Takes a signed change of the lock. The rule is `followChange`, the same that every server applies. */
import { fault, type Json } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { changeDigest, followChange, holdersThatSigned, stateDigest } from '@countersign/protocol/follow-lock';
import type { LockChange, LockState, SignedLockChange } from '@countersign/protocol/lock';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { insertState, type KeptState, keptStates } from './lock.store.ts';
import { presentLock } from './lock-chain.ts';

export interface ChangeLockDeps extends Pick<Core, 'db' | 'clock'> {
  /** Hands the change to every server that follows the lock. Never throws. */
  readonly lockChanged: () => void;
}

/**
 * Keeps the state that a change leads to. The same change sent again changes nothing. Rejects with `lock_missing`, or
 * `lock_change_invalid` when the change does not follow from the present state.
 */
export async function changeLock(
  deps: ChangeLockDeps,
  caller: Caller,
  change: SignedLockChange,
): Promise<{ readonly state: LockState; readonly state_digest: string }> {
  const made = await write(deps.db, 'lock.change', async (trx) => {
    const states = presentLock(await keptStates(trx));
    const known = states.find((it) => it.change !== null && digestOf(it.change.change) === digestOf(change.change));
    if (known) return known;
    const present = states.at(-1);
    if (!present) throw fault('lock_missing');
    const state = followChange(present.state, change);
    const at = deps.clock.now();
    const next: KeptState = { state, digest: stateDigest(state), change, by: caller.person.name, at };
    await insertState(trx, next);
    await tell(trx, caller, present, next, change);
    return next;
  });
  deps.lockChanged();
  return { state: made.state, state_digest: made.digest };
}

async function tell(trx: Trx, caller: Caller, before: KeptState, made: KeptState, signed: SignedLockChange) {
  const { change } = signed;
  await appendEntry(trx, {
    event: 'lock.changed',
    at: made.at,
    who: whoOf(caller),
    details: {
      chain: made.state.chain,
      number: made.state.number,
      digest: made.digest,
      before: before.digest,
      change: change.change.kind,
      ...about(change),
      signed_by: [...holdersThatSigned(before.state, changeDigest(change), signed.signatures)],
    },
  });
  await addToTimeline(trx, { at: made.at, kind: 'note', title: titleOf(change, before.state), by: caller.person.name });
}

/** Whose key a change is about. The recovery secret stays out of the log. */
function about({ change }: LockChange): Record<string, Json> {
  if (change.kind === 'add') return { key: change.key.key, holder: change.key.holder };
  return change.kind === 'remove' ? { key: change.key } : {};
}

function titleOf({ change }: LockChange, before: LockState): string {
  switch (change.kind) {
    case 'add':
      return `The lock has another key, of ${change.key.holder}`;
    case 'remove':
      return `The lock has lost a key of ${before.keys.find(({ key }) => key === change.key)?.holder ?? 'nobody'}`;
    case 'require':
      return 'The lock asks for other numbers of signatures';
    case 'party':
      return 'The lock takes passkeys of another site';
    case 'disable':
      return 'The lock was ended with its recovery secret';
  }
}
