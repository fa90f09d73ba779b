/** Follows actions and sends what may start. */
import { isFinal } from '@countersign/protocol';
import type { ActionFollower } from '../ports.ts';
import { whereIs } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { dispatchDue } from './dispatch-due.ts';
import { oneAtATime } from './one-at-a-time.ts';

/**
 * When an action is approved it is sent at once; when one ends, another that waited for the same thing may go. What fails here
 * is tried again by the sweep.
 */
export function makeDispatcher(deps: ActionDeps): ActionFollower & AsyncDisposable {
  const passes = oneAtATime(deps.log, 'action.dispatch_failed', (serverId) => dispatchDue(deps, { serverId }));
  const looks = oneAtATime(deps.log, 'action.dispatch_failed', async (actionId) => {
    const row = await whereIs(deps.db, actionId);
    if (row && (row.state === 'approved' || isFinal(row.state))) await passes.start(row.server_id);
  });
  return {
    actionChanged(actionId, state) {
      if (state === 'approved' || isFinal(state)) void looks.start(actionId);
    },
    async [Symbol.asyncDispose]() {
      await looks.idle();
      await passes.idle();
    },
  };
}
