/** Tells servers again what people confirmed: a frame may be lost, and a server that was away has a right to know. */
import { actionsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { sendConfirmation } from './confirm-action.ts';
import { confirmationsOf, isConfirming } from './confirmations.ts';

/** For actions that still wait for it, on servers that are online; of one server where it is given. Harmless when repeated. */
export async function confirmDue(
  deps: Pick<ActionDeps, 'db' | 'fleet' | 'log'>,
  { serverId }: { readonly serverId?: string } = {},
): Promise<void> {
  for (const row of await actionsIn(deps.db, ['running'], serverId)) {
    const confirmations = confirmationsOf(row);
    if (confirmations.complete && isConfirming(row) && deps.fleet.isOnline(row.server_id))
      await sendConfirmation(deps, row, confirmations);
  }
}
