/** Sends what may start. Safe to call at any time, any number of times. */
import { idsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { dispatch } from './dispatch.ts';

/** Dispatches approved actions, oldest first; of one server where it is given. */
export async function dispatchDue(deps: ActionDeps, { serverId }: { readonly serverId?: string } = {}): Promise<void> {
  for (const id of await idsIn(deps.db, 'approved', serverId)) await dispatch(deps, id);
}
