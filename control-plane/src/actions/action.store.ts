/** Queries on actions, their votes, their history and what they print. */
import { type ActionState, actionStates, isFinal, isOpen } from '@countersign/protocol';
import { remember } from '@countersign/protocol/remember';
import type { Db, Trx } from '../storage/database.ts';
import { indexless } from '../storage/dialect.ts';
import { prepared, preparedByMembers, preparedForOne } from '../storage/prepared.ts';
import type { ActionHistoryTable, ActionTable, ApprovalTable } from '../storage/tables.ts';

export const openStates = actionStates.filter(isOpen);
export const unfinishedStates = actionStates.filter((state) => !isFinal(state));
export const finalStates = actionStates.filter(isFinal);

export async function actionById(db: Db | Trx, id: string): Promise<ActionTable | undefined> {
  return (await byId(db, { id })).rows[0];
}

const byId = prepared<{ readonly id: string }, ActionTable>((db, slot) =>
  db.selectFrom('action').selectAll().where('id', '=', slot('id')),
);

/** Where an action is: its state and its server. */
export async function whereIs(db: Db | Trx, id: string): Promise<Pick<ActionTable, 'state' | 'server_id'> | undefined> {
  return (await placeById(db, { id })).rows[0];
}

const placeById = prepared<{ readonly id: string }, Pick<ActionTable, 'state' | 'server_id'>>((db, slot) =>
  db.selectFrom('action').select(['state', 'server_id']).where('id', '=', slot('id')),
);

export async function insertAction(trx: Trx, row: ActionTable): Promise<void> {
  await insertRow(trx, row);
}

const insertRow = preparedByMembers<ActionTable>((db, slot, members) =>
  // Each slot stands for the value of its own column.
  db
    .insertInto('action')
    .values(Object.fromEntries(members.map((name) => [name, slot(name)])) as unknown as ActionTable),
);

/** Sets columns of an action that is in state `from`. Whether it was. */
export async function updateActionIn(
  trx: Trx,
  id: string,
  from: ActionState,
  set: Partial<Omit<ActionTable, 'id'>>,
): Promise<boolean> {
  const { numAffectedRows } = await updateIn(trx, { ...set, idNow: id, stateNow: from });
  return numAffectedRows === 1n;
}

const updateIn = preparedByMembers<
  Partial<Omit<ActionTable, 'id'>> & { readonly idNow: string; readonly stateNow: ActionState }
>((db, slot, members) =>
  db
    .updateTable('action')
    .set(Object.fromEntries(members.filter((name) => !name.endsWith('Now')).map((name) => [name, slot(name)])))
    .where('id', '=', slot('idNow'))
    .where('state', '=', slot('stateNow')),
);

/** Adds the next line. */
export async function insertHistory(trx: Trx, line: Omit<ActionHistoryTable, 'n'>): Promise<void> {
  await nextHistory(trx, line);
}

const nextHistory = prepared<Omit<ActionHistoryTable, 'n'>>((db, slot) =>
  db.insertInto('action_history').values({
    ...{ action_id: slot('action_id'), from_state: slot('from_state'), event: slot('event') },
    ...{ to_state: slot('to_state'), by: slot('by'), at: slot('at'), note: slot('note') },
    n: (q) =>
      q
        .selectFrom('action_history')
        .select((last) => last(last.fn.coalesce(last.fn.max('n'), last.lit(0)), '+', 1).as('n'))
        .where('action_id', '=', slot('action_id')),
  }),
);

export function lastHistory(db: Db | Trx, actionId: string): Promise<ActionHistoryTable | undefined> {
  return db
    .selectFrom('action_history')
    .selectAll()
    .where('action_id', '=', actionId)
    .orderBy('n', 'desc')
    .limit(1)
    .executeTakeFirst();
}

interface Request {
  readonly serverId: string;
  readonly key: string;
}

/** The newest open action of the same request since a time. */
export async function openRepeat(db: Db | Trx, request: Request, since: number): Promise<ActionTable | undefined> {
  return (await newestOpen(db, { ...request, since })).rows[0];
}

const newestOpen = prepared<Request & { readonly since: number }, ActionTable>((db, slot) =>
  db
    .selectFrom('action')
    .selectAll()
    .where('server_id', '=', slot('serverId'))
    .where('state', 'in', openStates)
    // Of a request, and of a time, many may have ended; of a server few are open.
    .where(indexless<string>('request_key'), '=', slot('key'))
    .where(indexless<number>('created_at'), '>', slot('since'))
    .orderBy(indexless('created_at'), 'desc')
    .limit(1),
);

/** How many requests of one credential wait for a decision. */
export async function countPending(
  db: Db | Trx,
  { personId, tokenId }: { readonly personId: string; readonly tokenId: string | null },
): Promise<number> {
  const { rows } = tokenId === null ? await pendingOf(db, { personId }) : await pendingBy(db, { personId, tokenId });
  return Number(rows[0]?.count ?? 0);
}

const pending = (db: Db | Trx, personId: string) =>
  db
    .selectFrom('action')
    .select((q) => q.fn.countAll().as('count'))
    .where('state', '=', 'awaiting_approval')
    .where('requested_by_person', '=', personId);

interface Count {
  readonly count: number | bigint | string;
}

const pendingOf = prepared<{ readonly personId: string }, Count>((db, slot) =>
  pending(db, slot('personId')).where('requested_by_token', 'is', null),
);
const pendingBy = prepared<{ readonly personId: string; readonly tokenId: string }, Count>((db, slot) =>
  pending(db, slot('personId')).where('requested_by_token', '=', slot('tokenId')),
);

/** When the newest rejections after `since` of what a token asked for were, newest first. What we asked again by ourselves does not count. */
export async function newestRejections(
  db: Db | Trx,
  tokenId: string,
  { since, most }: { readonly since: number; readonly most: number },
): Promise<number[]> {
  const { rows } = await rejectionsOf(db, { tokenId, since, most });
  return rows.flatMap(({ finished_at }) => finished_at ?? []);
}

const rejectionsOf = prepared<
  { readonly tokenId: string; readonly since: number; readonly most: number },
  Pick<ActionTable, 'finished_at'>
>((db, slot) =>
  db
    .selectFrom('action')
    .select('finished_at')
    .where('requested_by_token', '=', slot('tokenId'))
    .where('state', '=', 'rejected')
    .where('finished_at', '>', slot('since'))
    .where('follows_action', 'is', null)
    .orderBy('finished_at', 'desc')
    .limit(slot('most')),
);

/** Actions of a server in some states, oldest first, with what they work on. */
export async function actionsOnServer(db: Db | Trx, serverId: string, states: readonly ActionState[]) {
  const { rows } = await onServer(states)(db, { serverId });
  // Sorted here: for the sake of the order SQLite would walk over all that the server ever did.
  return rows.sort((one, other) => one.created_at - other.created_at);
}

const onServerIn = new Map<string, ReturnType<typeof onServerQuery>>();

/** The lists of states that are asked for are few. */
const onServer = (states: readonly ActionState[]) =>
  remember(onServerIn, 20, states.join(), () => onServerQuery(states));

const onServerQuery = (states: readonly ActionState[]) =>
  prepared<{ readonly serverId: string }, Pick<ActionTable, 'id' | 'state' | 'resource' | 'created_at'>>((db, slot) =>
    db
      .selectFrom('action')
      .select(['id', 'state', 'resource', 'created_at'])
      .where('server_id', '=', slot('serverId'))
      .where('state', 'in', states),
  );

/** Whole rows of actions in some states, oldest first; of one server where it is given. */
export function actionsIn(db: Db | Trx, states: readonly ActionState[], serverId?: string): Promise<ActionTable[]> {
  let query = db.selectFrom('action').selectAll().where('state', 'in', states);
  if (serverId !== undefined) query = query.where('server_id', '=', serverId);
  return query.orderBy('created_at').execute();
}

/** Actions in a state with what they work on, oldest first; of one server where it is given. */
export async function workIn(db: Db | Trx, state: ActionState, serverId?: string) {
  const { rows } = await (serverId === undefined ? allWork(db, { state }) : workOn(db, { state, serverId }));
  return rows;
}

const work = (db: Db | Trx, state: ActionState) =>
  db.selectFrom('action').select(['id', 'resource']).where('state', '=', state).orderBy('created_at');
type Work = Pick<ActionTable, 'id' | 'resource'>;
const allWork = prepared<{ readonly state: ActionState }, Work>((db, slot) => work(db, slot('state')));
const workOn = prepared<{ readonly state: ActionState; readonly serverId: string }, Work>((db, slot) =>
  work(db, slot('state')).where('server_id', '=', slot('serverId')),
);

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
export const namedVotesOn = preparedForOne((db, actionIds) =>
  db
    .selectFrom('approval')
    .innerJoin('person', 'person.id', 'approval.person_id')
    .selectAll('approval')
    .select('person.name as person_name')
    .where('action_id', 'in', actionIds)
    .orderBy('at'),
);

/** E-mail address of the person and name of the token that asked; also when they are gone by now. */
export async function askerOf(
  db: Db | Trx,
  personId: string,
  tokenId: string | null,
): Promise<{ readonly email: string; readonly token: string | null }> {
  const { rows } = await askers(db, { personId, tokenId: tokenId ?? '' });
  return { email: rows[0]?.email ?? '', token: rows[0]?.token ?? null };
}

const askers = prepared<
  { readonly personId: string; readonly tokenId: string },
  { readonly email: string | null; readonly token: string | null }
>((db, slot) =>
  db.selectNoFrom((q) => [
    q.selectFrom('person').select('email').where('id', '=', slot('personId')).as('email'),
    q.selectFrom('token').select('name').where('id', '=', slot('tokenId')).as('token'),
  ]),
);

/** Role and settings of a person, also of one who was removed. */
export async function standingOf(db: Db | Trx, personId: string) {
  const row = await db
    .selectFrom('person')
    .select(['role', 'removed_at', 'ide_answers', 'name'])
    .where('id', '=', personId)
    .executeTakeFirst();
  return row && { role: row.role, name: row.name, removed: row.removed_at !== null, ideAnswers: row.ide_answers === 1 };
}
