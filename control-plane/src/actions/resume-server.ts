/** A server is connected again: it gets what waits for it. */
import { actionsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { confirmDue } from './confirm-due.ts';
import { sendGrant } from './dispatch.ts';
import { dispatchDue } from './dispatch-due.ts';
import { resendDue } from './resend-due.ts';
import { hasUnsettled } from './unsettled.store.ts';

/**
 * Call it whenever a server connected. Sends approved actions, sends unanswered grants again (also those of unknown outcome whose
 * time is over: a runner that never saw one refuses it, and then it is known that nothing was done), and repeats stop requests
 * and confirmations.
 */
export async function resumeServer(deps: ActionDeps, serverId: string): Promise<void> {
  if (!(await hasUnsettled(deps.db, serverId))) return;
  const now = deps.clock.now();
  await resendDue(deps, { serverId, unansweredMs: 0 });
  await dispatchDue(deps, { serverId });
  for (const row of await actionsIn(deps.db, ['unknown'], serverId))
    if (row.started_at === null && row.result_json === null && now >= (row.start_by ?? now))
      await sendGrant(deps, row.id);
  for (const row of await actionsIn(deps.db, ['dispatched', 'running'], serverId))
    if (row.stop_requested_at !== null) await deps.fleet.stop(serverId, row.id);
  await confirmDue(deps, { serverId });
}
