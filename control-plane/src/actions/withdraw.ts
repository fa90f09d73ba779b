/** A requester takes the request back. */
import { type ActionState, fault } from '@countersign/protocol';
import { whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import { actionById } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';
import { requestStop } from './request-stop.ts';

/**
 * Withdraws an action that has not been sent to its server; one that has been sent is asked to stop. Returns the state after it.
 * Rejects with `action_not_found`, `forbidden` for another person's request, `action_not_open` when it is over.
 */
export async function withdraw(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'live' | 'log' | 'followers' | 'fleet'>,
  caller: Caller,
  actionId: string,
): Promise<ActionState> {
  const row = await actionById(deps.db, actionId);
  if (!row) throw fault('action_not_found', { action: actionId });
  if (row.requested_by_person !== caller.person.id)
    throw fault('forbidden', { what: 'Withdrawing a request of another person' });
  if (row.state === 'dispatched' || row.state === 'running') return requestStop(deps, caller, actionId);
  const at = deps.clock.now();
  return write(deps.db, (trx) =>
    applyTransition(deps, trx, {
      actionId,
      event: 'withdraw',
      cause: 'requester',
      who: whoOf(caller),
      at,
      set: { finished_at: at },
    }),
  );
}
