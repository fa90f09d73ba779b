/** A requester takes the request back. */
import { type ActionState, Fault, fault } from '@countersign/protocol';
import type { Caller } from '../ports.ts';
import { actionById } from './action.store.ts';
import { notOpen } from './apply-transition.ts';
import { requestStop, type StopDeps } from './request-stop.ts';

/**
 * Withdraws an action that has not been sent to its server; one that has been sent is asked to stop. Returns the state after it.
 * Rejects with `action_not_found`, `forbidden` for another person's request, `action_not_open` when it is over.
 */
export async function withdraw(deps: StopDeps, caller: Caller, actionId: string): Promise<ActionState> {
  const row = await actionById(deps.db, actionId);
  if (!row) throw fault('action_not_found', { action: actionId });
  if (row.requested_by_person !== caller.person.id)
    throw fault('forbidden', { what: 'Withdrawing a request of another person' });
  try {
    return await requestStop(deps, caller, actionId);
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'nothing_to_stop')) throw error;
    throw await notOpen(deps.db, (await actionById(deps.db, actionId)) ?? row);
  }
}
