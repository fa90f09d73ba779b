/** Queries on amendments and on who agreed to them. */
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { AmendmentTable } from '../storage/trust-tables.ts';

export type Amendment = Selectable<AmendmentTable>;
type Named = { readonly id: string; readonly name: string };

export async function insertAmendment(trx: Trx, amendment: Amendment): Promise<void> {
  await trx.insertInto('amendment').values(amendment).execute();
}

export function amendmentById(db: Db | Trx, id: string): Promise<Amendment | undefined> {
  return db.selectFrom('amendment').selectAll().where('id', '=', id).executeTakeFirst();
}

/** All that wait, oldest first. */
export function openAmendments(db: Db | Trx): Promise<Amendment[]> {
  return db.selectFrom('amendment').selectAll().where('state', '=', 'proposed').orderBy('at').orderBy('id').execute();
}

/** The newest that are over. */
export function closedAmendments(db: Db | Trx, limit: number): Promise<Amendment[]> {
  return db
    .selectFrom('amendment')
    .selectAll()
    .where('state', '<>', 'proposed')
    .orderBy('ended_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** The same change that this person asked for already, and that still waits. */
export function openAmendmentLike(
  db: Db | Trx,
  { by_person, change_json }: Pick<Amendment, 'by_person' | 'change_json'>,
  now: number,
): Promise<Amendment | undefined> {
  return db
    .selectFrom('amendment')
    .selectAll()
    .where('state', '=', 'proposed')
    .where('by_person', '=', by_person)
    .where('change_json', '=', change_json)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

/** Ends one that waits. False when it is over already: of two who end it at once, one does. */
export async function endAmendment(
  trx: Trx,
  id: string,
  end: { state: Exclude<Amendment['state'], 'proposed'>; at: number; declinedBy?: string },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('amendment')
    .set({ state: end.state, ended_at: end.at, declined_by: end.declinedBy ?? null })
    .where('id', '=', id)
    .where('state', '=', 'proposed')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Notes that a person agrees. False when they had agreed before. */
export async function insertVote(trx: Trx, amendmentId: string, personId: string, at: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('amendment_vote')
    .values({ amendment_id: amendmentId, person_id: personId, at })
    .onConflict((conflict) => conflict.columns(['amendment_id', 'person_id']).doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Who agreed, in that order, and whether each still counts: an owner who can sign in. */
export async function votesOf(db: Db | Trx, amendmentId: string): Promise<(Named & { counts: boolean })[]> {
  const rows = await db
    .selectFrom('amendment_vote')
    .innerJoin('person', 'person.id', 'amendment_vote.person_id')
    .select(['person.id', 'person.name', 'person.role', 'person.password_hash', 'person.removed_at'])
    .where('amendment_id', '=', amendmentId)
    .orderBy('amendment_vote.at')
    .execute();
  return rows.map(({ id, name, role, password_hash, removed_at }) => ({
    ...{ id, name },
    counts: role === 'owner' && password_hash !== null && removed_at === null,
  }));
}

/** Names of people, of those who were removed too. */
export async function namesOf(db: Db | Trx, ids: readonly string[]): Promise<Map<string, Named>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('person').select(['id', 'name']).where('id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.id, row]));
}
