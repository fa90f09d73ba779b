/** One action, whole. */
import { fault } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { actionById } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { withParts } from './action-parts.store.ts';
import { detailView } from './action-view.ts';

/** Rejects with `action_not_found`. */
export async function actionDetail(deps: Pick<ActionDeps, 'db' | 'fleet'>, id: string): Promise<ActionDetail> {
  const row = await actionById(deps.db, id);
  const [parts] = row ? await withParts(deps.db, [row]) : [];
  if (!parts) throw fault('action_not_found', { action: id });
  return detailView(parts, deps.fleet.isOnline(parts.row.server_id));
}
