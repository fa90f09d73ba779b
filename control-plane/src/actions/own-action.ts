/** Whether a report of a server is about an action of that server. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { actionById } from './action.store.ts';
import { Refusal } from './commit-or-refuse.ts';

/** The action, or a refusal (`action_not_found`) that is audited: a server may only speak of what was sent to it. */
export async function ownAction(
  { clock }: Pick<Core, 'clock'>,
  trx: Trx,
  serverId: string,
  actionId: string,
  report: string,
): Promise<ActionTable | Refusal> {
  const row = await actionById(trx, actionId);
  if (row && row.server_id === serverId) return row;
  await appendEntry(trx, {
    event: 'report.refused',
    at: clock.now(),
    who: whoIs('runner'),
    serverId,
    actionId,
    details: { report, why: row ? 'the action is of another server' : 'there is no such action' },
  });
  return new Refusal(fault('action_not_found', { action: actionId }));
}

/** Keeps in the audit log that a report changed nothing, and why. */
export async function ignoreReport(
  { clock }: Pick<Core, 'clock'>,
  trx: Trx,
  row: Pick<ActionTable, 'id' | 'server_id'>,
  details: { readonly report: string; readonly why: string; readonly outcome?: string },
): Promise<void> {
  await appendEntry(trx, {
    event: 'report.ignored',
    at: clock.now(),
    who: whoIs('runner'),
    serverId: row.server_id,
    actionId: row.id,
    details,
  });
}
