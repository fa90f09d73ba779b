/** Queries on alerts. */
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { AlertTable } from '../storage/tables.ts';

export type AlertRow = Selectable<AlertTable>;

/** The newest alert of a key, firing or not. At most one of a key fires. */
export async function newestOfKey(db: Db | Trx, dedupeKey: string): Promise<AlertRow | undefined> {
  return db
    .selectFrom('alert')
    .selectAll()
    .where('dedupe_key', '=', dedupeKey)
    .orderBy('last_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function firingOfServer(db: Db | Trx, serverId: string): Promise<AlertRow[]> {
  return (await firingOf(db, { serverId })).rows;
}

const firingOf = prepared<{ readonly serverId: string }, AlertRow>((db, slot) =>
  db.selectFrom('alert').selectAll().where('server_id', '=', slot('serverId')).where('state', '=', 'firing'),
);

/** The servers for which an alert of this kind fires. */
export async function firingOfKind(db: Db | Trx, source: AlertRow['source'], kind: string): Promise<string[]> {
  const rows = await db
    .selectFrom('alert')
    .select('server_id')
    .where('state', '=', 'firing')
    .where('source', '=', source)
    .where('kind', '=', kind)
    .execute();
  return rows.flatMap(({ server_id }) => (server_id === null ? [] : [server_id]));
}

export async function insertAlert(trx: Trx, alert: AlertRow): Promise<void> {
  await trx.insertInto('alert').values(alert).execute();
}

export async function saveAgain(
  trx: Trx,
  id: string,
  again: Pick<AlertRow, 'last_at' | 'severity' | 'title' | 'times'>,
): Promise<void> {
  await trx.updateTable('alert').set(again).where('id', '=', id).execute();
}

export async function saveResolved(trx: Trx, id: string, at: number): Promise<void> {
  await trx
    .updateTable('alert')
    .set({ state: 'resolved', resolved_at: at, last_at: at })
    .where('id', '=', id)
    .execute();
}

/** Where a page of alerts begins: after this one. */
export interface AlertPosition {
  readonly state: AlertRow['state'];
  readonly lastAt: number;
  readonly id: string;
}

export interface AlertQuery {
  readonly serverId?: string | undefined;
  readonly state: AlertRow['state'];
  readonly after?: AlertPosition | undefined;
  readonly limit: number;
}

/** Alerts of one state, the newest report first. */
export async function alertPage(db: Db | Trx, { serverId, state, after, limit }: AlertQuery): Promise<AlertRow[]> {
  let query = db.selectFrom('alert').selectAll().where('state', '=', state);
  if (serverId !== undefined) query = query.where('server_id', '=', serverId);
  if (after !== undefined)
    query = query.where((q) => q(q.refTuple('last_at', 'id'), '<', q.tuple(after.lastAt, after.id)));
  return query.orderBy('last_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
}

export async function alertExists(db: Db | Trx, id: string): Promise<boolean> {
  return (await db.selectFrom('alert').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
}

/** How many alerts fire, by server. */
export async function countFiring(db: Db | Trx, serverIds: readonly string[]): Promise<Map<string, number>> {
  if (serverIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('alert')
    .select(['server_id', (count) => count.fn.countAll<number>().as('count')])
    .where('state', '=', 'firing')
    .where('server_id', 'in', [...serverIds])
    .groupBy('server_id')
    .execute();
  return new Map(rows.flatMap(({ server_id, count }) => (server_id === null ? [] : [[server_id, Number(count)]])));
}
