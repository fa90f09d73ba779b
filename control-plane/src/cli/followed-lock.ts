/**
 * The lock as this machine follows it: every change that the control plane shows is checked here, by the same rule that
 * servers apply, so that a lie is seen before anybody signs.
 */
import { Fault, fault } from '@countersign/protocol';
import { changeDigest, followChange, holdersThatSigned, stateDigest } from '@countersign/protocol/follow-lock';
import { HIDDEN_SECRET, type LockState, lockStateSchema, type SignedLockChange } from '@countersign/protocol/lock';
import type { Call, OutputOf } from '@countersign/protocol/operator-api/index';
import { type CliContext, fileNamed } from './connection.ts';
import { readJsonFile } from './json-file.ts';

export interface FollowedStep {
  readonly signed: SignedLockChange;
  readonly before: LockState;
  readonly after: LockState;
  /** Holders whose signatures count, as checked here. */
  readonly holders: readonly string[];
  /** Who handed it in, as the control plane says. */
  readonly by: string;
}

export interface FollowedLock {
  readonly first: LockState;
  readonly state: LockState;
  /** Digest of `state`. */
  readonly digest: string;
  readonly steps: readonly FollowedStep[];
  readonly servers: OutputOf<'getLock'>['servers'];
  /** File of the person's own copy that the chain leads on from; null when the first state is as the control plane says. */
  readonly from: string | null;
}

/**
 * Fetches the lock and follows it. `from` names a lock file of the person's own. Rejects with `lock_missing`, or `lock_bent`
 * when a step does not follow from the one before or the chain does not come by the person's own copy.
 */
export async function followedLock(context: CliContext, call: Call, from: string | undefined): Promise<FollowedLock> {
  const shown = await call('getLock', {});
  if (shown.first === null || shown.state === null) throw fault('lock_missing');
  const steps = follow(shown.first, shown.changes);
  const states = [shown.first, ...steps.map(({ after }) => after)];
  const state = states.at(-1) ?? shown.first;
  const digest = stateDigest(state);
  if (stateDigest(shown.state) !== digest)
    throw fault('lock_bent', { reason: 'its changes lead to another state than the one that it shows' });
  if (from !== undefined) {
    const own = stateDigest(await readLockFile(fileNamed(context, from)));
    if (!states.some((it) => stateDigest(it) === own))
      throw fault('lock_bent', { reason: `it does not lead on from the lock in ${from}` });
  }
  return { first: shown.first, state, digest, steps, servers: shown.servers, from: from ?? null };
}

/** A lock file: what servers pin. */
export const readLockFile = (file: string): Promise<LockState> => readJsonFile(file, lockStateSchema, 'a lock');

function follow(first: LockState, changes: OutputOf<'getLock'>['changes']): FollowedStep[] {
  const steps: FollowedStep[] = [];
  for (const { change: signed, by } of changes) {
    const before = steps.at(-1)?.after ?? first;
    const holders = [...holdersThatSigned(before, changeDigest(signed.change), signed.signatures)];
    steps.push({ signed, before, after: followed(before, signed), holders, by });
  }
  return steps;
}

function followed(before: LockState, signed: SignedLockChange): LockState {
  const { before: digest, change } = signed.change;
  // Who ended it showed a secret that nobody else is shown. An end opens nothing here: there is no more to sign under this lock.
  if (change.kind === 'disable' && change.secret === HIDDEN_SECRET && digest === stateDigest(before))
    return { ...before, disabled: true, number: before.number + 1 };
  try {
    return followChange(before, signed);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw fault('lock_bent', { reason: `the change of state ${before.number} is not good: ${error.slots.reason}` });
  }
}
