/** Waits for an action to be decided, or to be done. */
import { type ActionState, isFinal } from '@countersign/protocol';
import { actionById } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';

/**
 * Resolves when an action that waits for a decision left that state, or when one that was decided ended or got lost; at the
 * latest after `ms`. At once when there is nothing to wait for. Rejects with the signal's reason when it is aborted.
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
    const first = (await actionById(deps.db, actionId))?.state;
    signal.throwIfAborted();
    for (let state = first; ms > 0 && !worthTelling(first, state); state = newest) {
      if ((await Promise.race([wake.promise, over.promise])) === 'over') return;
      wake = Promise.withResolvers();
    }
  } finally {
    cancel();
    unfollow();
    signal.removeEventListener('abort', aborted);
  }
}

function worthTelling(first: ActionState | undefined, state: ActionState | undefined): boolean {
  if (state === undefined || isFinal(state)) return true;
  return first === 'awaiting_approval' ? state !== first : state === 'unknown';
}
