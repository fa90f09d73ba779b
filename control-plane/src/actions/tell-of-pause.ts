/** After a pause, or its end: every waiting action says something else now, and an approved one may go. */

import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import { actionsIn, openStates } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { tellAfterCommit } from './apply-transition.ts';

export async function tellOfPause(deps: Pick<ActionDeps, 'live' | 'followers'>, trx: Trx, seq: number): Promise<void> {
  for (const row of await actionsIn(trx, openStates)) tellAfterCommit(deps, trx, row);
  afterCommit(trx, () => deps.live.publish({ type: 'audit', seq }));
}
