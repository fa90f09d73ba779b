/** The runner verified the grant and wrote down that it begins. */
import { whoIs } from '../audit/ledger.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { ignoreReport, ownAction } from './own-action.ts';

export type RecordDeps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'followers'>;

/**
 * Idempotent. `at` is the server's clock, milliseconds since 1970; the history has ours. Rejects with `action_not_found`
 * for an action of another server.
 */
export function recordStarted(
  deps: RecordDeps,
  serverId: string,
  { actionId, at: startedAt }: { readonly actionId: string; readonly at: number },
): Promise<void> {
  return commitOrRefuse(deps.db, 'actions.record_started', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'started');
    if (row instanceof Refusal) return row;
    if (row.started_at !== null) return;
    if (row.state !== 'dispatched')
      return ignoreReport(deps, trx, row, { report: 'started', why: `the action is ${row.state}` });
    await applyTransition(deps, trx, {
      actionId,
      event: 'start',
      cause: 'runner',
      who: whoIs('runner'),
      at: deps.clock.now(),
      set: { started_at: startedAt },
      details: { started_at: startedAt },
    });
  });
}
