/** After a pause, or its end: every waiting action says something else now, and an approved one may go. */

import type { Trx } from '../storage/database.ts';
import { actionsIn, openStates } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { tellAfterCommit } from './apply-transition.ts';

export async function tellOfPause(deps: Pick<ActionDeps, 'live' | 'followers'>, trx: Trx): Promise<void> {
  for (const row of await actionsIn(trx, openStates)) tellAfterCommit(deps, trx, row);
}
