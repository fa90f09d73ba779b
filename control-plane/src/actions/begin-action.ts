/** Puts a new action on record, in the state that policy gives it. */
import { firstStates, type Json } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { insertAction, insertHistory } from './action.store.ts';
import { type DoorDeps, nameOf, tellAfterCommit } from './apply-transition.ts';

export interface Beginning {
  readonly row: Omit<ActionTable, 'state'>;
  readonly verdict: PolicyVerdict;
  readonly policySha256: string;
  readonly who: Who;
  /** What is kept in the audit log of what was asked. */
  readonly asked: {
    readonly source: string;
    readonly parameters: Json;
    readonly argv: Json;
    readonly follows?: string;
    readonly differences?: string[];
  };
}

/** Inserts the action, its first line of history, its audit entry and its line in the timeline. Returns its row. */
export async function beginAction(
  deps: DoorDeps,
  trx: Trx,
  { row, verdict, policySha256, who, asked }: Beginning,
): Promise<ActionTable> {
  const state = firstStates[verdict.verdict];
  const made = { ...row, state };
  await insertAction(trx, made);
  const at = row.created_at;
  await insertHistory(trx, {
    action_id: row.id,
    from_state: null,
    event: 'propose',
    to_state: state,
    by: nameOf(who),
    at,
    note: verdict.why,
  });
  await appendEntry(trx, {
    event: 'action.requested',
    at,
    who,
    serverId: row.server_id,
    actionId: row.id,
    details: {
      title: row.title,
      digest: row.digest,
      risk: row.risk,
      ...asked,
      rule: verdict.rule,
      why: verdict.why,
      policy_sha256: policySha256,
      state,
      approvals_needed: row.approvals_needed,
      decide_by: row.decide_by,
      reason: row.reason,
    },
  });
  await addToTimeline(trx, {
    at,
    kind: 'action',
    title: `${{ ask: 'Asked for', allow: 'Allowed by policy', deny: 'Denied by policy' }[verdict.verdict]}: ${row.title}`,
    serverId: row.server_id,
    actionId: row.id,
    by: nameOf(who),
  });
  tellAfterCommit(deps, trx, made);
  return made;
}
