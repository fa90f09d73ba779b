/** What follows from the states that are kept: the lock in force, and how far a server has come. Pure (ring 0). */
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import { stateDigest } from '@countersign/protocol/follow-lock';
import type { SignedLockChange } from '@countersign/protocol/lock';
import type { KeptState } from './lock.store.ts';

/**
 * The states of the present lock, oldest first; empty when there is none. A lock that was ended is present until another
 * begins, and stays kept after that for servers that still have to hear of its end.
 */
export function presentLock(kept: readonly KeptState[]): readonly KeptState[] {
  const chains = [...new Set(kept.map(({ state }) => state.chain))].map((chain) => statesOf(kept, chain));
  return chains.find((states) => states.at(-1)?.state.disabled === false) ?? chains.at(-1) ?? [];
}

/** The part of a lock's states that hangs together to its end: from the newest one that was brought here without a change. */
export function unbroken(states: readonly KeptState[]): readonly KeptState[] {
  return states.slice(
    Math.max(
      0,
      states.findLastIndex(({ change }) => change === null),
    ),
  );
}

export interface Standing {
  readonly state: 'unlocked' | 'following' | 'behind' | 'other_lock' | 'disabled' | 'unknown';
  /** Number of the state that the server has; null when it has none or did not tell. */
  readonly number: number | null;
  /** The changes that it lacks, in their order. Empty where none is known that leads on from its state. */
  readonly missing: readonly SignedLockChange[];
}

/** How far a server has come, by what it says of itself. A lock that is not ours is the server's own affair, no error. */
export function standingOf(policy: Pick<LocalPolicySummary, 'lock'> | null, kept: readonly KeptState[]): Standing {
  if (policy === null) return { state: 'unknown', number: null, missing: [] };
  const { lock } = policy;
  if (lock === null) return { state: 'unlocked', number: null, missing: [] };
  const { number } = lock;
  if (lock.disabled) return { state: 'disabled', number, missing: [] };
  const digest = stateDigest(lock);
  const states = statesOf(kept, lock.chain);
  const place = states.findIndex((it) => it.digest === digest);
  if (place < 0) return { state: 'other_lock', number, missing: [] };
  const later = states.slice(place + 1).map(({ change }) => change);
  if (later.length === 0) return { state: 'following', number, missing: [] };
  const gap = later.indexOf(null);
  const missing = (gap < 0 ? later : later.slice(0, gap)) as SignedLockChange[];
  return { state: 'behind', number, missing };
}

function statesOf(kept: readonly KeptState[], chain: string): readonly KeptState[] {
  return kept.filter(({ state }) => state.chain === chain).toSorted((a, b) => a.state.number - b.state.number);
}
