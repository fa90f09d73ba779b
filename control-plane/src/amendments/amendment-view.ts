/** Amendments as the operator API shows them, and which of them wait for somebody. */
import { isoTime } from '@countersign/protocol';
import type { AmendmentView } from '@countersign/protocol/operator-api/index';
import type { Caller } from '../ports.ts';
import type { Db } from '../storage/database.ts';
import { type Amendment, namesOf, openAmendments, votesOf } from './amendment.store.ts';
import { isCollected, kept } from './change.ts';

export async function amendmentView(db: Db, row: Amendment): Promise<AmendmentView> {
  const votes = await votesOf(db, row.id);
  const names = await namesOf(db, [row.by_person, ...(row.declined_by === null ? [] : [row.declined_by])]);
  const named = (id: string) => names.get(id) ?? { id, name: id };
  return {
    ...{ id: row.id, state: row.state, kind: row.kind, title: row.title, diff: row.diff, rule: row.rule },
    by: named(row.by_person),
    at: isoTime(row.at),
    expires_at: isoTime(row.expires_at),
    others_needed: row.others_needed,
    agreed: votes.map(({ id, name }) => ({ id, name })),
    declined_by: row.declined_by === null ? null : named(row.declined_by),
  };
}

/** How many wait for this person: to agree, or to collect what the others agreed to. */
export async function countWaitingFor(db: Db, { person }: Caller, now: number): Promise<number> {
  let waiting = 0;
  for (const row of (await openAmendments(db)).filter(({ expires_at }) => expires_at > now)) {
    const votes = await votesOf(db, row.id);
    const enough = votes.filter(({ counts }) => counts).length >= row.others_needed;
    const toCollect = enough && row.by_person === person.id && isCollected(kept(row.change_json).change);
    const toDecide =
      !enough && person.role === 'owner' && row.by_person !== person.id && !votes.some(({ id }) => id === person.id);
    if (toCollect || toDecide) waiting += 1;
  }
  return waiting;
}
