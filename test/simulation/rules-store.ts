/** What the quick control plane stores: rows in memory, one door for changes of state. It outlives the process. */
import type { ActionTable, ApprovalTable } from '@countersign/control-plane/storage/tables';
import { type ActionEvent, type Cause, fault, isOpen, transitions } from '@countersign/protocol';
import type { ActionFacts } from './lifecycle-check.ts';

export type Row = ActionTable;
export type Vote = ApprovalTable & { readonly person_name: string };

interface Line {
  readonly from: string | null;
  readonly event: string;
  readonly to: string;
  readonly note: string | null;
}

export class RulesStore {
  readonly rows = new Map<string, Row>();
  readonly votes = new Map<string, Vote[]>();
  /** Events in their order, for the checker. */
  readonly events: string[] = [];
  paused = false;
  readonly #history = new Map<string, Line[]>();

  /** Throws `action_not_found`. */
  row(actionId: string): Row {
    const row = this.rows.get(actionId);
    if (!row) throw fault('action_not_found', { action: actionId });
    return row;
  }

  in(states: readonly Row['state'][], serverId?: string): Row[] {
    return [...this.rows.values()].filter(
      (row) => states.includes(row.state) && (serverId === undefined || row.server_id === serverId),
    );
  }

  openRepeat(key: string, since: number): Row | undefined {
    return [...this.rows.values()].findLast(
      (row) => row.request_key === key && row.created_at > since && isOpen(row.state),
    );
  }

  begin(row: Row, why: string): void {
    this.rows.set(row.id, row);
    this.#history.set(row.id, [{ from: null, event: 'propose', to: row.state, note: why }]);
  }

  /** Moves an action along an arrow of the table. Throws `action_not_open`. */
  move(actionId: string, event: ActionEvent, by: Cause, note: string | null, set: Partial<Row> = {}): void {
    const row = this.row(actionId);
    const arrow = transitions.find((it) => it.from === row.state && it.event === event && it.by === by);
    if (!arrow) throw fault('action_not_open', { action: actionId, state: row.state, since: '' });
    this.#history.get(actionId)?.push({ from: arrow.from, event, to: arrow.to, note });
    this.rows.set(actionId, { ...row, ...set, state: arrow.to });
    if (event === 'dispatch') this.events.push('action.dispatched');
  }

  set(actionId: string, set: Partial<Row>): void {
    this.rows.set(actionId, { ...this.row(actionId), ...set });
  }

  votesOn(actionId: string): Vote[] {
    return this.votes.get(actionId) ?? [];
  }

  /** One per person, as the table's key has it. */
  saveVote(vote: Vote): void {
    const others = this.votesOn(vote.action_id).filter((it) => it.person_id !== vote.person_id);
    this.votes.set(vote.action_id, [...others, vote]);
  }

  pause(on: boolean): void {
    if (this.paused === on) return;
    this.paused = on;
    this.events.push(on ? 'dispatch.paused' : 'dispatch.resumed');
  }

  factsOf(ids: readonly string[]): ActionFacts[] {
    return ids.flatMap((id) => {
      const row = this.rows.get(id);
      if (!row) return [];
      const { state, digest, plan_json: plan, start_by: startBy } = row;
      const history = [...(this.#history.get(id) ?? [])];
      return [{ id, state, digest, plan, startBy, hasResult: row.result_json !== null, history }];
    });
  }
}
