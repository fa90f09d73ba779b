/** Stops an action: takes back what was not sent yet, and asks the server to stop what was. */
import { type ActionState, fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { failPoint } from '../fail-points.ts';
import type { Caller } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { actionById, updateActionIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition, tellAfterCommit } from './apply-transition.ts';

export type StopDeps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'log' | 'followers' | 'fleet'>;

/**
 * What was not sent yet is withdrawn. For what was, the wish is kept and sent; that it stopped is known when the runner says so.
 * Repeating it sends it again; a server that is offline is asked when it returns. Returns the state after it.
 * Rejects with `action_not_found`, `nothing_to_stop`.
 */
export async function requestStop(deps: StopDeps, caller: Caller, actionId: string): Promise<ActionState> {
  const { db, fleet, log } = deps;
  const { row, state } = await write(db, 'actions.stop', async (trx) => {
    const found = await actionById(trx, actionId);
    if (!found) throw fault('action_not_found', { action: actionId });
    return { row: found, state: await stopNow(deps, trx, caller, found) };
  });
  if (state !== row.state) return state;
  failPoint('actions.stop.before_send');
  try {
    await fleet.stop(row.server_id, actionId);
  } catch (error) {
    log.warn('action.stop_not_sent', { action: actionId, error }); // asked again when the server returns
  }
  return state;
}

function stopNow(deps: StopDeps, trx: Trx, caller: Caller, row: ActionTable): Promise<ActionState> {
  switch (row.state) {
    case 'awaiting_approval':
    case 'approved':
      return withdrawNow(deps, trx, caller, row);
    case 'dispatched':
    case 'running':
      return keepWish(deps, trx, caller, row);
    default:
      throw fault('nothing_to_stop', { action: row.id, state: row.state });
  }
}

/** Either who asked takes it back, or a person who may decide stops it: the history tells which. */
async function withdrawNow(deps: StopDeps, trx: Trx, caller: Caller, row: ActionTable): Promise<ActionState> {
  const at = deps.clock.now();
  const own = row.requested_by_person === caller.person.id;
  return applyTransition(deps, trx, {
    actionId: row.id,
    event: 'withdraw',
    cause: own ? 'requester' : 'person',
    who: whoOf(caller),
    at,
    note: own ? undefined : `Stopped by ${caller.person.name} before it was sent.`,
    set: { finished_at: at },
  });
}

async function keepWish(deps: StopDeps, trx: Trx, caller: Caller, row: ActionTable): Promise<ActionState> {
  const { id: actionId, state, server_id: serverId } = row;
  if (row.stop_requested_at !== null) return state;
  const at = deps.clock.now();
  await updateActionIn(trx, actionId, state, { stop_requested_at: at, stop_requested_by: caller.person.id });
  const who = whoOf(caller);
  await appendEntry(trx, {
    event: 'action.stop_requested',
    at,
    who,
    serverId,
    actionId,
    details: { state },
  });
  const title = `Stop asked for: ${row.title}`;
  await addToTimeline(trx, { at, kind: 'action', title, serverId, actionId, by: caller.person.name });
  tellAfterCommit(deps, trx, row);
  return state;
}
