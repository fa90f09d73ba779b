/**
 * Looking entries up. The log is the truth, and what finds its entries lies a batch behind it in a table of its own: with an index
 * on the log each commit would have to sync a page of every one of them. So a look-up asks the index up to its end, and goes through
 * the few entries after that; none can be missed, since neither ever loses a row.
 */
import { sql } from 'kysely';
import type { AuditEntryTable } from '../storage/audit-tables.ts';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import { indexEndSql, indexedSql, logEndSql } from './stored-entry.ts';

/** So many entries at most are behind the index, when every one was appended by `ledger.ts`. */
export const INDEXED_AT_ONCE = 1000;

/** Takes all entries into the index that it does not have. */
export async function indexEntries(trx: Trx): Promise<void> {
  await indexQuery(trx, {});
}

const indexQuery = prepared((db) => {
  const found = ['seq', 'at', 'event', 'server_id', 'action_id'] as const;
  return db
    .insertInto('audit_index')
    .columns([...found])
    .expression((q) =>
      q
        .selectFrom('audit_entry')
        .select([...found])
        .where('seq', '>', sql.raw<number>(indexEndSql))
        .orderBy('seq'),
    );
});

/** Up to which entry the index goes; 0 when it is empty. */
export async function indexedUpTo(db: Db | Trx): Promise<number> {
  return (await endQuery(db, {})).rows[0]?.end ?? 0;
}

const endQuery = prepared<object, { readonly end: number | null }>((db) =>
  db
    .selectFrom('audit_index')
    .select((it) => it.fn.max('seq').as('end'))
    .where('seq', '<=', sql.raw<number>(logEndSql)),
);

/** The last number that stands in the index beyond the end of the log, where none belongs; `null` when there is none. */
export async function indexedBeyond(db: Db): Promise<number | null> {
  const { last } = await db
    .selectFrom('audit_index')
    .select((it) => it.fn.max<number | null>('seq').as('last'))
    .where('seq', '>', sql.raw<number>(logEndSql))
    .executeTakeFirstOrThrow();
  return last;
}

export interface EntryFilter {
  readonly serverId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly event?: string | undefined;
  /** Milliseconds since 1970; entries at or after it. */
  readonly since?: number | undefined;
}

/** At most `limit` entries before number `before`, newest first. */
export async function newestEntries(
  db: Db,
  { since, ...filter }: EntryFilter,
  before: number,
  limit: number,
): Promise<AuditEntryTable[]> {
  const wanted = columnsOf(filter);
  const searched = since !== undefined || Object.keys(wanted).length > 0;
  const end = searched ? await indexedUpTo(db) : 0;
  let query = db.selectFrom('audit_entry').selectAll().where('seq', '>', end).where('seq', '<', before);
  query = query.where((entry) => entry.and(wanted));
  if (since !== undefined) query = query.where('at', '>=', since);
  const behind = await query.orderBy('seq', 'desc').limit(limit).execute();
  if (!searched || behind.length === limit) return behind;
  const first = since === undefined ? 0 : await firstSince(db, since);
  if (first === null) return behind;
  let indexed = db
    .selectFrom((q) =>
      q
        .selectFrom('audit_index')
        .select('seq as found')
        .where((entry) => entry.and(wanted))
        .where('seq', '>=', first)
        .where('seq', '<=', Math.min(end, before - 1))
        .as('index'),
    )
    .innerJoin('audit_entry', 'audit_entry.seq', 'index.found')
    .selectAll('audit_entry');
  // The time of most of them fits, so it is looked at in the entry itself.
  if (since !== undefined) indexed = indexed.where('audit_entry.at', '>=', since);
  const older = await indexed
    .orderBy('index.found', 'desc')
    .limit(limit - behind.length)
    .execute();
  return [...behind, ...older];
}

/** What the columns must be that a filter names. */
function columnsOf({ serverId, actionId, event }: Omit<EntryFilter, 'since'>) {
  return {
    ...(serverId !== undefined && { server_id: serverId }),
    ...(actionId !== undefined && { action_id: actionId }),
    ...(event !== undefined && { event }),
  };
}

const LOOKED_AT = 20_000;

/**
 * A number below which no entry of the index is of this time or later: a walk ends there. The clock may have been set back, so it
 * takes a look at all of them; 0 when they are too many for that, `null` when there are none.
 */
async function firstSince(db: Db, since: number): Promise<number | null> {
  const { first, count } = await db
    .selectFrom((q) =>
      q.selectFrom('audit_index').select('seq').where('at', '>=', since).orderBy('at').limit(LOOKED_AT).as('since'),
    )
    .select((q) => [q.fn.min('seq').as('first'), q.fn.countAll().as('count')])
    .executeTakeFirstOrThrow();
  if (first === null) return null;
  return Number(count) < LOOKED_AT ? Number(first) : 0;
}

/** At most `limit` entries of these events after number `after`, oldest first. */
export async function entriesOf(
  db: Db | Trx,
  events: readonly string[],
  after: number,
  limit: number,
): Promise<AuditEntryTable[]> {
  const end = await indexedUpTo(db);
  const indexed = await db
    .selectFrom('audit_index')
    .innerJoin('audit_entry', 'audit_entry.seq', 'audit_index.seq')
    .selectAll('audit_entry')
    .where('audit_index.event', 'in', [...events])
    .where('audit_index.seq', '>', after)
    .where('audit_index.seq', '<=', end)
    .orderBy('audit_index.seq')
    .limit(limit)
    .execute();
  const behind = await db
    .selectFrom('audit_entry')
    .selectAll()
    .where('event', 'in', [...events])
    .where('seq', '>', Math.max(after, end))
    .orderBy('seq')
    .limit(limit)
    .execute();
  return [...indexed, ...behind].slice(0, limit);
}

export type EntryAsFound = AuditEntryTable & { readonly indexed: number };

/** At most `limit` entries after number `after` up to `upTo`, oldest first, each with whether the index has it as it is (1). */
export function entriesAsFound(db: Db, after: number, upTo: number, limit: number): Promise<EntryAsFound[]> {
  return db
    .selectFrom('audit_entry')
    .selectAll()
    .select(sql.raw<number>(indexedSql).as('indexed'))
    .where('seq', '>', after)
    .where('seq', '<=', upTo)
    .orderBy('seq')
    .limit(limit)
    .execute();
}
