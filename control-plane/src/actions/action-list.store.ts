/** Queries on actions as lists show them. */
import type { ActionState } from '@countersign/protocol';
import type { Db } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';

/** All of an action but its plan, which is long and no list shows. */
export type ListedAction = Omit<ActionTable, 'plan_json'>;

const columns: { readonly [Column in keyof ListedAction]: true } = {
  ...{ id: true, state: true, server_id: true, title: true, source_json: true, risk: true, reversible: true },
  ...{ digest: true, resource: true, requested_by_person: true, requested_by_token: true },
  ...{ requested_by_session: true, requested_by_client: true, request_key: true, reason: true, rule: true },
  ...{ policy_json: true, approvals_needed: true, changed_parameters_json: true, created_at: true, decide_by: true },
  ...{ start_by: true, dispatched_at: true, started_at: true, finished_at: true, current_step_json: true },
  ...{ result_json: true, fault_json: true, stop_requested_at: true, stop_requested_by: true, follows_action: true },
  ...{ follows_json: true, not_followed: true, confirm_by: true, confirm_json: true },
};
const listed = Object.keys(columns) as (keyof ListedAction)[];

export interface ActionFilter {
  readonly serverId?: string | undefined;
  readonly states?: readonly ActionState[] | undefined;
  /** Only actions older than this one. */
  readonly before?: { readonly at: number; readonly id: string } | undefined;
}

/** At most `limit` actions, newest first. */
export async function newestActions(db: Db, filter: ActionFilter, limit: number): Promise<ListedAction[]> {
  const { serverId, states, before } = filter;
  const inState = (state?: ActionState) => {
    let query = db.selectFrom('action').select(listed);
    if (state !== undefined) query = query.where('state', '=', state);
    if (serverId !== undefined) query = query.where('server_id', '=', serverId);
    if (before === undefined) return query;
    return query.where((q) => q(q.refTuple('created_at', 'id'), '<', q.tuple(before.at, before.id)));
  };
  // One query per state, each in the order of an index, and merged as far as is read: of `state in (…)` all rows would be sorted.
  const [first, ...others] = states === undefined ? [inState()] : states.map((state) => inState(state));
  if (first === undefined) return [];
  return others
    .reduce((all, one) => all.unionAll(one), first)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}
