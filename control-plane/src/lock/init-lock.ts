/** Keeps the first state of a lock, so that its changes can be handed to the servers that pin it. */
import { fault } from '@countersign/protocol';
import { checked, stateDigest } from '@countersign/protocol/follow-lock';
import type { LockState } from '@countersign/protocol/lock';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core, Prove } from '../ports.ts';
import { write } from '../storage/write.ts';
import { insertState, keptStates } from './lock.store.ts';
import { presentLock } from './lock-chain.ts';

export interface InitLockDeps extends Pick<Core, 'db' | 'clock'> {
  readonly prove: Prove;
  /** Looks at once which servers lack changes. Never throws. */
  readonly lockChanged: () => void;
}

/**
 * Takes a state as its owner has it, usually the first (number 0); a later one where this database was lost and servers have
 * gone on. It gives nobody any power: servers follow what they pin themselves. Rejects with `lock_exists`,
 * `lock_change_invalid` for a state that nobody could open, or what `prove` says.
 */
export async function initLock(
  deps: InitLockDeps,
  caller: Caller,
  { state, proof }: { readonly state: LockState; readonly proof: Proof },
): Promise<void> {
  await deps.prove(caller, proof, 'best');
  const sound = checked(state);
  if (sound.disabled) throw fault('lock_change_invalid', { reason: 'the lock was ended' });
  await write(deps.db, 'lock.init', async (trx) => {
    const kept = await keptStates(trx);
    const digest = stateDigest(sound);
    if (kept.some((it) => it.digest === digest)) return; // asked twice
    const newest = presentLock(kept).at(-1)?.state;
    const again = newest?.chain === sound.chain && sound.number > newest.number && !newest.disabled;
    if (newest && !newest.disabled && !again) throw fault('lock_exists', { chain: newest.chain });
    const at = deps.clock.now();
    await insertState(trx, { state: sound, digest, change: null, by: caller.person.name, at });
    await appendEntry(trx, {
      event: 'lock.initialised',
      at,
      who: whoOf(caller),
      details: {
        chain: sound.chain,
        number: sound.number,
        digest,
        holders: [...new Set(sound.keys.map(({ holder }) => holder))],
        again,
      },
    });
  });
  deps.lockChanged();
}
