/** Follows actions and sends what may start, one pass at a time per server. */
import { isFinal } from '@countersign/protocol';
import type { ActionFollower } from '../ports.ts';
import { actionById } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { dispatchDue } from './dispatch-due.ts';

/** When an action is approved it is sent at once; when one ends, another that waited for the same thing may go. */
export function makeDispatcher(deps: ActionDeps): ActionFollower & AsyncDisposable {
  /** Servers with a pass under way, and whether another one is wanted after it. */
  const passes = new Map<string, { again: boolean; done: Promise<void> }>();
  let stopped = false;

  const run = async (serverId: string, pass: { again: boolean }) => {
    try {
      do {
        pass.again = false;
        await dispatchDue(deps, { serverId });
      } while (pass.again && !stopped);
    } catch (error) {
      deps.log.error('action.dispatch_failed', { server: serverId, error }); // the sweep tries again
    } finally {
      passes.delete(serverId);
    }
  };
  const changed = async (actionId: string) => {
    const row = await actionById(deps.db, actionId);
    if (stopped || !row || (row.state !== 'approved' && !isFinal(row.state))) return;
    const present = passes.get(row.server_id);
    if (present) {
      present.again = true;
      return;
    }
    const pass = { again: false, done: Promise.resolve() };
    passes.set(row.server_id, pass);
    pass.done = run(row.server_id, pass);
  };
  return {
    actionChanged(actionId) {
      changed(actionId).catch((error: unknown) =>
        deps.log.error('action.dispatch_failed', { action: actionId, error }),
      );
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      await Promise.all([...passes.values()].map(({ done }) => done));
    },
  };
}
