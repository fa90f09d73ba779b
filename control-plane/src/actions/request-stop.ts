/** Asks a server to stop what it is doing. That it stopped is known when its runner says so. */
import { type ActionState, fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { actionById, updateActionIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { tellAfterCommit } from './apply-transition.ts';

/**
 * Keeps the wish and sends it. Repeating it sends it again. A server that is offline is asked when it returns.
 * Rejects with `action_not_found`, `nothing_to_stop`.
 */
export async function requestStop(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'live' | 'log' | 'followers' | 'fleet'>,
  caller: Caller,
  actionId: string,
): Promise<ActionState> {
  const { db, clock, fleet, log } = deps;
  const row = await write(db, async (trx) => {
    const found = await actionById(trx, actionId);
    if (!found) throw fault('action_not_found', { action: actionId });
    const { state } = found;
    if (state !== 'dispatched' && state !== 'running') throw fault('nothing_to_stop', { action: actionId, state });
    if (found.stop_requested_at !== null) return found;
    const at = clock.now();
    await updateActionIn(trx, actionId, state, { stop_requested_at: at, stop_requested_by: caller.person.id });
    const about = { serverId: found.server_id, actionId };
    const seq = await appendEntry(trx, {
      event: 'action.stop_requested',
      at,
      who: whoOf(caller),
      ...about,
      details: { state },
    });
    await addToTimeline(trx, {
      at,
      kind: 'action',
      title: `Stop asked for: ${found.title}`,
      ...about,
      by: caller.person.name,
    });
    tellAfterCommit(deps, trx, found, seq);
    return found;
  });
  try {
    await fleet.stop(row.server_id, actionId);
  } catch (error) {
    log.warn('action.stop_not_sent', { action: actionId, error }); // asked again when the server returns
  }
  return row.state;
}
