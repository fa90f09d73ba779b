/** Follows actions and asks again for those that a server refused since its state had drifted. */
import type { ActionFollower } from '../ports.ts';
import type { ActionDeps } from './action-deps.ts';
import { askAgain } from './ask-again.ts';
import { driftedIds } from './drift.store.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** Older ones are history: what a sweep never saw is not asked for out of the blue. */
const REFUSED_LATELY_MS = 3_600_000;

export interface Asker extends ActionFollower, AsyncDisposable {
  /** Tries again what failed, or what nobody was told of. */
  sweep(): Promise<void>;
}

export function makeAsker(deps: ActionDeps): Asker {
  const work = oneAtATime(deps.log, 'action.ask_again_failed', (actionId) => askAgain(deps, actionId));
  return {
    actionChanged(actionId, state) {
      if (state === 'refused') void work.start(actionId);
    },
    async sweep() {
      const ids = await driftedIds(deps.db, deps.clock.now() - REFUSED_LATELY_MS);
      await Promise.all(ids.map((id) => work.start(id)));
    },
    [Symbol.asyncDispose]: () => work.idle(),
  };
}
