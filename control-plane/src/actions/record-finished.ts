/** The runner says how an action ended: now, or from its journal when the server is back. */
import type { ActionEvent, ActionResult, ActionState, Json } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { updateActionIn } from './action.store.ts';
import { applyTransition, tellAfterCommit } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { ignoreReport, ownAction } from './own-action.ts';
import type { RecordDeps } from './record-started.ts';

const eventOf = { succeeded: 'succeed', failed: 'fail', stopped: 'stop', unknown: 'lose' } as const satisfies Record<
  ActionResult['outcome'],
  ActionEvent
>;

/** Idempotent. Rejects with `action_not_found` for an action of another server. */
export function recordFinished(
  deps: RecordDeps,
  serverId: string,
  { actionId, result }: { readonly actionId: string; readonly result: ActionResult },
): Promise<void> {
  return commitOrRefuse(deps.db, 'actions.record_finished', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'finished');
    if (row instanceof Refusal) return row;
    const text = JSON.stringify(result);
    if (row.result_json === text) return;
    let now = row;
    if (row.state === 'dispatched') now = { ...row, state: await start(deps, trx, row, result) };
    else if (row.state !== 'running' && row.state !== 'unknown') return late(deps, trx, row, result, text);
    if (row.state === 'unknown' && result.outcome === 'unknown') return stillUnknown(deps, trx, row, text);
    const event = eventOf[result.outcome];
    await applyTransition(deps, trx, {
      actionId,
      row: now,
      event,
      cause: event === 'lose' ? 'clock' : 'runner',
      who: whoIs('runner'),
      at: deps.clock.now(),
      note: result.summary,
      set: {
        result_json: text,
        current_step_json: null,
        ...(event === 'lose' ? {} : { finished_at: deps.clock.now() }),
      },
      details: event === 'lose' ? {} : endDetails(result),
    });
  });
}

/** The result came although the news of the start did not. */
function start(deps: RecordDeps, trx: Trx, row: ActionTable, { startedAt }: ActionResult): Promise<ActionState> {
  return applyTransition(deps, trx, {
    actionId: row.id,
    row,
    event: 'start',
    cause: 'runner',
    who: whoIs('runner'),
    at: deps.clock.now(),
    set: { started_at: startedAt },
    details: { started_at: startedAt },
  });
}

function endDetails({ summary, check, undo, journalHead }: ActionResult): Record<string, Json> {
  return { summary, check: check?.passed ?? null, undo: undo.state, journal_head: journalHead };
}

async function stillUnknown(deps: RecordDeps, trx: Trx, row: ActionTable, result_json: string): Promise<void> {
  await updateActionIn(trx, row.id, 'unknown', { result_json, current_step_json: null });
  tellAfterCommit(deps, trx, row);
}

/** The action is over already, closed by a human say. What really happened is kept, the state stays. */
async function late(
  deps: RecordDeps,
  trx: Trx,
  row: ActionTable,
  result: ActionResult,
  result_json: string,
): Promise<void> {
  const why = `the action is ${row.state} already`;
  await ignoreReport(deps, trx, row, { report: 'finished', why, outcome: result.outcome });
  if (row.result_json !== null || row.dispatched_at === null) return;
  await updateActionIn(trx, row.id, row.state, { result_json });
  tellAfterCommit(deps, trx, row);
}
