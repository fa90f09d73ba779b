/** The only door through which an action changes its state. Source: design.md, section 4. */
import {
  type ActionEvent,
  type ActionState,
  type Cause,
  fault,
  isoTime,
  type Json,
  transitions,
} from '@countersign/protocol';
import type { AuditEvent } from '../audit/events.ts';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Db, Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { actionById, insertHistory, lastHistory, updateActionIn } from './action.store.ts';
import type { Followers } from './followers.ts';

export interface Change {
  readonly actionId: string;
  /** Its row as it is, where this transaction has read or written it already. */
  readonly row?: ActionTable;
  readonly event: ActionEvent;
  /** On whose part it happens, as the table of transitions names it. */
  readonly cause: Cause;
  readonly who: Who;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** One sentence for people: why, or by which way. */
  readonly note?: string | undefined;
  /** Columns that change together with the state. */
  readonly set?: Partial<Omit<ActionTable, 'id' | 'state' | 'digest' | 'plan_json'>>;
  /** Further details for the audit entry, as `audit/events.ts` names them. */
  readonly details?: Readonly<Record<string, Json>>;
}

export type DoorDeps = Pick<Core, 'live'> & { readonly followers: Followers };

const recordedAs: Record<ActionEvent, { event: AuditEvent; word: string; kind: 'action' | 'approval' }> = {
  approve: { event: 'action.approved', word: 'Approved', kind: 'approval' },
  reject: { event: 'action.rejected', word: 'Rejected', kind: 'approval' },
  withdraw: { event: 'action.withdrawn', word: 'Withdrawn', kind: 'action' },
  expire: { event: 'action.expired', word: 'Expired', kind: 'action' },
  revoke: { event: 'action.revoked', word: 'Revoked by policy', kind: 'action' },
  dispatch: { event: 'action.dispatched', word: 'Sent to the server', kind: 'action' },
  start: { event: 'action.started', word: 'Started', kind: 'action' },
  refuse: { event: 'action.refused', word: 'Refused by the server', kind: 'action' },
  lose: { event: 'action.lost', word: 'Outcome not known', kind: 'action' },
  succeed: { event: 'action.succeeded', word: 'Succeeded', kind: 'action' },
  fail: { event: 'action.failed', word: 'Failed', kind: 'action' },
  stop: { event: 'action.stopped', word: 'Stopped', kind: 'action' },
  close: { event: 'action.closed', word: 'Closed', kind: 'action' },
};

/**
 * Moves an action along one arrow of the table, in the caller's transaction: checks the table, compares and sets the state,
 * appends history, audit entry and timeline. Followers are told after the commit.
 * Rejects with `action_not_found`, or `action_not_open` when the table has no such arrow from the present state.
 */
export async function applyTransition(deps: DoorDeps, trx: Trx, change: Change): Promise<ActionState> {
  const { actionId, event, cause, at } = change;
  const row = change.row ?? (await actionById(trx, actionId));
  if (!row) throw fault('action_not_found', { action: actionId });
  const arrow = transitions.find((it) => it.from === row.state && it.event === event && it.by === cause);
  const moved = arrow && (await updateActionIn(trx, actionId, row.state, { ...change.set, state: arrow.to }));
  if (!arrow || !moved) throw await notOpen(trx, row);
  await insertHistory(trx, {
    action_id: actionId,
    from_state: arrow.from,
    event,
    to_state: arrow.to,
    by: nameOf(change.who),
    at,
    note: change.note ?? null,
  });
  const recorded = recordedAs[event];
  await appendEntry(trx, {
    event: recorded.event,
    at,
    who: change.who,
    serverId: row.server_id,
    actionId,
    details: { from: arrow.from, to: arrow.to, digest: row.digest, note: change.note, ...change.details } as object,
  });
  await addToTimeline(trx, {
    at,
    kind: recorded.kind,
    title: `${recorded.word}: ${row.title}`,
    serverId: row.server_id,
    actionId,
    by: nameOf(change.who),
  });
  tellAfterCommit(deps, trx, { ...row, state: arrow.to });
  return arrow.to;
}

/** Has followers and dashboards told of an action once the transaction is on disk; of several changes in it, of the last state alone. */
export function tellAfterCommit(
  deps: DoorDeps,
  trx: Trx,
  { id, server_id, state }: Pick<ActionTable, 'id' | 'server_id' | 'state'>,
): void {
  const states = newest.get(trx) ?? new Map<string, ActionState>();
  newest.set(trx, states);
  const isFirst = !states.has(id);
  states.set(id, state);
  afterCommit(trx, () => {
    if (isFirst) {
      const last = states.get(id) ?? state;
      deps.live.publish({ type: 'action', id, server: server_id, state: last });
      deps.followers.notify(id, last);
    }
  });
}

const newest = new WeakMap<Trx, Map<string, ActionState>>();

/** The fault of an action to which this cannot happen any more. */
export async function notOpen(trx: Db | Trx, row: Pick<ActionTable, 'id' | 'state' | 'created_at'>) {
  const last = await lastHistory(trx, row.id);
  return fault('action_not_open', { action: row.id, state: row.state, since: isoTime(last?.at ?? row.created_at) });
}

/** Whom history and timeline name: a person, or the part of the system that acted. */
export function nameOf({ person, token, by }: Who): string {
  if (person) return token ? `${person.name} (token ${token.name})` : person.name;
  return by === 'system' ? 'Countersign' : by;
}
