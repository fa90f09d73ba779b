/** Bounds what waits: of one requester, and on one thing. */
import { fault, type PlanDraft } from '@countersign/protocol';
import type { Db, Trx } from '../storage/database.ts';
import { actionsOnServer, countPending } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { joinResources, planResources, shareResource } from './plan-resources.ts';
import type { Asker } from './policy-facts.ts';

/** Rejects with `too_many_pending` or `target_busy`. */
export async function refuseCrowd(
  { limits }: Pick<ActionDeps, 'limits'>,
  db: Db | Trx,
  by: Asker,
  serverId: string,
  plan: PlanDraft,
): Promise<void> {
  const count = await countPending(db, by);
  if (count >= limits.pendingMost) throw fault('too_many_pending', { count });
  const resources = joinResources(planResources(plan));
  const busy = (await actionsOnServer(db, serverId, ['approved', 'dispatched', 'running'])).find((other) =>
    shareResource(other.resource, resources),
  );
  if (busy) throw fault('target_busy', { action: busy.id, server: plan.server.name });
}
