/** Sends grants again that were not answered. */
import { actionsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { sendGrant } from './dispatch.ts';

/**
 * For actions that were dispatched at least `unansweredMs` ago, on servers that are online. The runner's journal makes the second
 * grant harmless; one that is too old by then is refused there, so that we learn that nothing was done.
 */
export async function resendDue(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'fleet' | 'key' | 'log' | 'limits'>,
  {
    serverId,
    unansweredMs = deps.limits.resendMs,
  }: { readonly serverId?: string; readonly unansweredMs?: number } = {},
): Promise<void> {
  const now = deps.clock.now();
  for (const row of await actionsIn(deps.db, ['dispatched'], serverId))
    if (deps.fleet.isOnline(row.server_id) && now - (row.dispatched_at ?? now) >= unansweredMs)
      await sendGrant(deps, row.id);
}
