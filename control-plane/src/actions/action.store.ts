/** Queries on actions, their votes, their history and what they print. */
import { type ActionState, actionStates, isFinal, isOpen, type LockState } from '@countersign/protocol';
import type { Updateable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { ActionHistoryTable, ActionTable, ApprovalTable } from '../storage/tables.ts';
import type { ListedAction } from './action-list.store.ts';
import { pauseNow } from './pause.store.ts';
import { lockOf } from './server-lock.ts';

export const openStates = actionStates.filter(isOpen);
export const unfinishedStates = actionStates.filter((state) => !isFinal(state));
export const finalStates = actionStates.filter(isFinal);

export function actionById(db: Db | Trx, id: string): Promise<ActionTable | undefined> {
  return db.selectFrom('action').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertAction(trx: Trx, row: ActionTable): Promise<void> {
  await trx.insertInto('action').values(row).execute();
}

/** Sets columns of an action that is in state `from`. Whether it was. */
export async function updateActionIn(
  trx: Trx,
  id: string,
  from: ActionState,
  set: Updateable<ActionTable>,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('action')
    .set(set)
    .where('id', '=', id)
    .where('state', '=', from)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function insertHistory(trx: Trx, line: Omit<ActionHistoryTable, 'n'>): Promise<void> {
  const { last } = await trx
    .selectFrom('action_history')
    .select((q) => q.fn.max('n').as('last'))
    .where('action_id', '=', line.action_id)
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('action_history')
    .values({ ...line, n: Number(last ?? 0) + 1 })
    .execute();
}

export function lastHistory(db: Db | Trx, actionId: string): Promise<ActionHistoryTable | undefined> {
  return db
    .selectFrom('action_history')
    .selectAll()
    .where('action_id', '=', actionId)
    .orderBy('n', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** The newest open action of the same request since a time. */
export function openRepeat(db: Db | Trx, requestKey: string, since: number): Promise<ActionTable | undefined> {
  return db
    .selectFrom('action')
    .selectAll()
    .where('request_key', '=', requestKey)
    .where('created_at', '>', since)
    .where('state', 'in', openStates)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** How many requests of one credential wait for a decision. */
export async function countPending(
  db: Db | Trx,
  by: { readonly personId: string; readonly tokenId: string | null },
): Promise<number> {
  const { count } = await db
    .selectFrom('action')
    .select((q) => q.fn.countAll().as('count'))
    .where('state', '=', 'awaiting_approval')
    .where('requested_by_person', '=', by.personId)
    .where('requested_by_token', by.tokenId === null ? 'is' : '=', by.tokenId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** When the newest rejections after `since` of what a token asked for were, newest first. What we asked again by ourselves does not count. */
export async function newestRejections(
  db: Db | Trx,
  tokenId: string,
  { since, most }: { readonly since: number; readonly most: number },
): Promise<number[]> {
  const rows = await db
    .selectFrom('action')
    .select('finished_at')
    .where('requested_by_token', '=', tokenId)
    .where('state', '=', 'rejected')
    .where('finished_at', '>', since)
    .where('follows_action', 'is', null)
    .orderBy('finished_at', 'desc')
    .limit(most)
    .execute();
  return rows.flatMap(({ finished_at }) => finished_at ?? []);
}

/** Actions of a server in some states, oldest first, with what they work on. */
export async function actionsOnServer(db: Db | Trx, serverId: string, states: readonly ActionState[]) {
  const rows = await db
    .selectFrom('action')
    .select(['id', 'state', 'resource', 'created_at'])
    .where('server_id', '=', serverId)
    .where('state', 'in', states)
    .execute();
  // Sorted here: for the sake of the order SQLite would walk over all that the server ever did.
  return rows.sort((one, other) => one.created_at - other.created_at);
}

/** Whole rows of actions in some states, oldest first; of one server where it is given. */
export function actionsIn(db: Db | Trx, states: readonly ActionState[], serverId?: string): Promise<ActionTable[]> {
  let query = db.selectFrom('action').selectAll().where('state', 'in', states);
  if (serverId !== undefined) query = query.where('server_id', '=', serverId);
  return query.orderBy('created_at').execute();
}

/** Actions in a state with what they work on, oldest first; of one server where it is given. */
export function workIn(db: Db | Trx, state: ActionState, serverId?: string) {
  let query = db.selectFrom('action').select(['id', 'resource']).where('state', '=', state);
  if (serverId !== undefined) query = query.where('server_id', '=', serverId);
  return query.orderBy('created_at').execute();
}

/** Ids of actions whose time to be decided, or to start, is over. */
export async function expiredIds(db: Db | Trx, now: number): Promise<string[]> {
  const rows = await db
    .selectFrom('action')
    .select('id')
    .where((q) =>
      q.or([
        q.and([q('state', '=', 'awaiting_approval'), q('decide_by', '<=', now)]),
        q.and([q('state', '=', 'approved'), q('start_by', '<=', now)]),
      ]),
    )
    .execute();
  return rows.map(({ id }) => id);
}

/** Actions that can still change, or that ended at or after a time. */
export async function liveIds(db: Db | Trx, endedSince: number): Promise<string[]> {
  const rows = await db
    .selectFrom('action')
    .select('id')
    .where((q) =>
      q.or([
        q('state', 'in', unfinishedStates),
        q.and([q('state', 'in', finalStates), q('finished_at', '>=', endedSince)]),
      ]),
    )
    .orderBy('created_at')
    .execute();
  return rows.map(({ id }) => id);
}

export function votesOn(db: Db | Trx, actionId: string): Promise<ApprovalTable[]> {
  return db.selectFrom('approval').selectAll().where('action_id', '=', actionId).orderBy('at').orderBy('id').execute();
}

/** Writes a person's vote; a vote of theirs that is there already is replaced: one voice per person. */
export async function saveVote(trx: Trx, vote: ApprovalTable): Promise<void> {
  const { id: _, action_id: __, person_id: ___, ...set } = vote;
  await trx
    .insertInto('approval')
    .values(vote)
    .onConflict((conflict) => conflict.columns(['action_id', 'person_id']).doUpdateSet(set))
    .execute();
}

/** Votes on actions with the names of those who gave them, in the order in which they came. */
export function namedVotesOn(db: Db | Trx, actionIds: readonly string[]) {
  return db
    .selectFrom('approval')
    .innerJoin('person', 'person.id', 'approval.person_id')
    .selectAll('approval')
    .select('person.name as person_name')
    .where('action_id', 'in', actionIds)
    .orderBy('at')
    .execute();
}

/** Actions with what is told about them: their server, who asked, votes and history. In the order of `rows`. */
export async function withParts<Row extends ListedAction>(db: Db | Trx, rows: readonly Row[]) {
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const votes = await namedVotesOn(db, ids);
  const history = await db
    .selectFrom('action_history')
    .selectAll()
    .where('action_id', 'in', ids)
    .orderBy('n')
    .execute();
  const names = await namesFor(db, rows);
  const nameOf = (id: string | null) => (id === null ? '' : (names.get(id) ?? id));
  const locks = await locksOf(db, rows);
  const followers = await db
    .selectFrom('action')
    .select(['id', 'follows_action'])
    .where('follows_action', 'in', ids)
    .execute();
  const pause = await pauseNow(db);
  const votesOf = Map.groupBy(votes, (vote) => vote.action_id);
  const historyOf = Map.groupBy(history, (line) => line.action_id);
  return rows.map((row) => ({
    row,
    server: { id: row.server_id, name: nameOf(row.server_id), lock: locks.get(row.server_id) ?? null },
    person: { id: row.requested_by_person, name: nameOf(row.requested_by_person) },
    token:
      row.requested_by_token === null ? null : { id: row.requested_by_token, name: nameOf(row.requested_by_token) },
    votes: votesOf.get(row.id) ?? [],
    history: historyOf.get(row.id) ?? [],
    /** The action that asks again with the present state. */
    followedBy: followers.find((follower) => follower.follows_action === row.id)?.id ?? null,
    pause,
  }));
}
export type ActionParts<Row extends ListedAction = ActionTable> = Awaited<ReturnType<typeof withParts<Row>>>[number];

async function locksOf(db: Db | Trx, rows: readonly ListedAction[]): Promise<Map<string, LockState | null>> {
  const servers = await db
    .selectFrom('server')
    .select(['id', 'policy_json'])
    .where('id', 'in', [...new Set(rows.map((row) => row.server_id))])
    .execute();
  return new Map(servers.map((server) => [server.id, lockOf(server)]));
}

async function namesFor(db: Db | Trx, rows: readonly ListedAction[]): Promise<Map<string, string>> {
  const unique = (ids: readonly (string | null)[]) => [...new Set(ids.filter((id) => id !== null))];
  const servers = unique(rows.map((row) => row.server_id));
  const people = unique(rows.map((row) => row.requested_by_person));
  const tokens = unique(rows.map((row) => row.requested_by_token));
  const named = [
    ...(await db.selectFrom('server').select(['id', 'name']).where('id', 'in', servers).execute()),
    ...(await db.selectFrom('person').select(['id', 'name']).where('id', 'in', people).execute()),
    ...(tokens.length === 0
      ? []
      : await db.selectFrom('token').select(['id', 'name']).where('id', 'in', tokens).execute()),
  ];
  return new Map(named.map(({ id, name }) => [id, name]));
}

/** E-mail address of the person and name of the token that asked; also when they are gone by now. */
export async function askerOf(
  db: Db | Trx,
  personId: string,
  tokenId: string | null,
): Promise<{ readonly email: string; readonly token: string | null }> {
  const person = await db.selectFrom('person').select('email').where('id', '=', personId).executeTakeFirst();
  const token =
    tokenId === null
      ? undefined
      : await db.selectFrom('token').select('name').where('id', '=', tokenId).executeTakeFirst();
  return { email: person?.email ?? '', token: token?.name ?? null };
}

/** Role and settings of a person, also of one who was removed. */
export async function standingOf(db: Db | Trx, personId: string) {
  const row = await db
    .selectFrom('person')
    .select(['role', 'removed_at', 'ide_answers', 'name'])
    .where('id', '=', personId)
    .executeTakeFirst();
  return row && { role: row.role, name: row.name, removed: row.removed_at !== null, ideAnswers: row.ide_answers === 1 };
}
