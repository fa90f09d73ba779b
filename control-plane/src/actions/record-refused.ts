/** The runner refused a grant: nothing was done. */
import { type ErrorCode, errorCatalogue, Fault } from '@countersign/protocol';
import type { WireFault } from '@countersign/protocol/agent-wire/messages';
import { whoIs } from '../audit/ledger.ts';
import { serverById } from '../fleet/server.store.ts';
import { applyTransition } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { ignoreReport, ownAction } from './own-action.ts';
import type { RecordDeps } from './record-started.ts';

/** Idempotent. Rejects with `action_not_found` for an action of another server. */
export function recordRefused(
  deps: RecordDeps,
  serverId: string,
  report: { readonly actionId: string; readonly fault: WireFault; readonly at: number },
): Promise<void> {
  const { actionId } = report;
  return commitOrRefuse(deps.db, 'actions.record_refused', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'refused');
    if (row instanceof Refusal) return row;
    if (row.state === 'refused') return;
    const server = await serverById(trx, serverId);
    const reason = faultOf(report.fault, server?.name ?? serverId);
    // The runner knows the action already: this tells nothing of how it went, and its own reports of it will come.
    if (reason.code === 'grant_replayed' || (row.state !== 'dispatched' && row.state !== 'unknown'))
      return ignoreReport(deps, trx, row, { report: 'refused', why: `${reason.code}; the action is ${row.state}` });
    await applyTransition(deps, trx, {
      actionId,
      event: 'refuse',
      cause: 'runner',
      who: whoIs('runner'),
      at: deps.clock.now(),
      note: reason.message,
      set: {
        finished_at: deps.clock.now(),
        fault_json: JSON.stringify({ code: reason.code, slots: reason.slots }),
      },
      details: { error: reason.code },
    });
  });
}

function faultOf({ code, slots }: WireFault, server: string): Fault {
  return Object.hasOwn(errorCatalogue, code)
    ? new Fault(code as ErrorCode, { ...slots, server })
    : new Fault('grant_invalid', { reason: `for a reason that this version does not know (${code})` });
}
