/** Waits for an action to be decided, or to be done. */
import { type ActionState, isFinal } from '@countersign/protocol';
import { actionById, whereIs } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { followerOf } from './drift.store.ts';
import { isDrifted } from './drift.ts';
import { policyOf } from './stored-policy.ts';

/**
 * Resolves when an action that waits for a decision left that state, or when one that was decided ended or got lost; at the
 * latest after `ms`. At once when there is nothing to wait for. One that goes on by itself as another has not ended before it is
 * known as which. Rejects with the signal's reason when it is aborted.
 */
export async function waitForAction(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'followers'>,
  actionId: string,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  let wake = Promise.withResolvers<void>();
  let newest: ActionState | undefined;
  // Follow first, then look: what changes in between is not missed.
  const unfollow = deps.followers.add({
    actionChanged(id, state) {
      if (id !== actionId) return;
      newest = state;
      wake.resolve();
    },
  });
  const over = Promise.withResolvers<'over'>();
  over.promise.catch(() => undefined); // seen below, unless the abort comes while nobody waits: then throwIfAborted tells
  const cancel = deps.clock.after(ms, () => over.resolve('over'));
  const aborted = () => over.reject(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    const first = (await whereIs(deps.db, actionId))?.state;
    signal.throwIfAborted();
    for (let state = first; ms > 0 && !(await worthTelling(deps, actionId, first, state)); state = newest) {
      if ((await Promise.race([wake.promise, over.promise])) === 'over') return;
      wake = Promise.withResolvers();
    }
  } finally {
    cancel();
    unfollow();
    signal.removeEventListener('abort', aborted);
  }
}

async function worthTelling(
  { db }: Pick<ActionDeps, 'db'>,
  actionId: string,
  first: ActionState | undefined,
  state: ActionState | undefined,
): Promise<boolean> {
  if (state === 'refused') return !(await isAskedAgain(db, actionId));
  if (state === undefined || isFinal(state)) return true;
  return first === 'awaiting_approval' ? state !== first : state === 'unknown';
}

/** Whether the server is about to be asked what we had foretold wrongly: who hears of the refusal alone would ask anew, and it would run twice. */
async function isAskedAgain(db: ActionDeps['db'], actionId: string): Promise<boolean> {
  const row = await actionById(db, actionId);
  if (!row || !isDrifted(row) || row.not_followed !== null || !policyOf(row).foretold) return false;
  return (await followerOf(db, actionId)) === undefined;
}
