/** Queries of the audit log. */
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { AuditCheckpointTable, AuditEntryTable } from '../storage/tables.ts';
import type { EntryBody } from './entry.ts';

/** The newest entry: its number and hash; nothing when the log is empty. */
export async function lastEntry(db: Db | Trx): Promise<Pick<AuditEntryTable, 'seq' | 'hash'> | undefined> {
  return (await lastQuery(db, {})).rows[0];
}

const lastQuery = prepared<object, Pick<AuditEntryTable, 'seq' | 'hash'>>((db) =>
  db.selectFrom('audit_entry').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1),
);

/** The hash of one entry; nothing when there is none of that number. */
export async function entryHash(db: Db | Trx, seq: number): Promise<string | undefined> {
  return (await hashQuery(db, { seq })).rows[0]?.hash;
}

const hashQuery = prepared<{ readonly seq: number }, Pick<AuditEntryTable, 'hash'>>((db, slot) =>
  db.selectFrom('audit_entry').select('hash').where('seq', '=', slot('seq')),
);

const insertQuery = prepared<AuditEntryTable>((db, slot) =>
  db.insertInto('audit_entry').values({
    ...{ seq: slot('seq'), at: slot('at'), event: slot('event') },
    ...{ server_id: slot('server_id'), action_id: slot('action_id'), person_id: slot('person_id') },
    ...{ body: slot('body'), hash: slot('hash') },
  }),
);

export async function insertEntry(trx: Trx, body: EntryBody, text: string, hash: string): Promise<void> {
  await insertQuery(trx, { ...columnsOf(body), body: text, hash });
}

/** The columns that repeat parts of the body so that they can be searched. */
export function columnsOf(body: EntryBody): Omit<AuditEntryTable, 'body' | 'hash'> {
  return {
    seq: body.seq,
    at: body.at,
    event: body.event,
    server_id: body.server,
    action_id: body.action,
    person_id: body.who.person?.id ?? null,
  };
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
  filter: EntryFilter,
  before: number,
  limit: number,
): Promise<AuditEntryTable[]> {
  let query = db.selectFrom('audit_entry').selectAll().where('seq', '<', before);
  if (filter.serverId !== undefined) query = query.where('server_id', '=', filter.serverId);
  if (filter.actionId !== undefined) query = query.where('action_id', '=', filter.actionId);
  if (filter.event !== undefined) query = query.where('event', '=', filter.event);
  if (filter.since !== undefined) {
    const first = await firstSince(db, filter.since);
    if (first === null) return [];
    query = query.where('at', '>=', filter.since).where('seq', '>=', first);
  }
  return query.orderBy('seq', 'desc').limit(limit).execute();
}

const LOOKED_AT = 20_000;

/**
 * A number below which no entry is of this time or later: a walk over the log ends there. The clock may have been set back, so it
 * takes a look at all of them; 0 when they are too many for that, `null` when there are none.
 */
async function firstSince(db: Db, since: number): Promise<number | null> {
  const { first, count } = await db
    .selectFrom((q) =>
      q.selectFrom('audit_entry').select('seq').where('at', '>=', since).orderBy('at').limit(LOOKED_AT).as('since'),
    )
    .select((q) => [q.fn.min('seq').as('first'), q.fn.countAll().as('count')])
    .executeTakeFirstOrThrow();
  if (first === null) return null;
  return Number(count) < LOOKED_AT ? Number(first) : 0;
}

/** At most `limit` entries after number `after` up to `upTo`, oldest first. */
export function entriesAfter(db: Db, after: number, upTo: number, limit: number): Promise<AuditEntryTable[]> {
  return db
    .selectFrom('audit_entry')
    .selectAll()
    .where('seq', '>', after)
    .where('seq', '<=', upTo)
    .orderBy('seq')
    .limit(limit)
    .execute();
}

export function lastCheckpoint(db: Db | Trx): Promise<AuditCheckpointTable | undefined> {
  return db.selectFrom('audit_checkpoint').selectAll().orderBy('size', 'desc').limit(1).executeTakeFirst();
}

/** At most `limit` checkpoints of more than `size` entries, smallest first. */
export function checkpointsAfter(db: Db, size: number, limit: number): Promise<AuditCheckpointTable[]> {
  return db.selectFrom('audit_checkpoint').selectAll().where('size', '>', size).orderBy('size').limit(limit).execute();
}

export async function insertCheckpoint(trx: Trx, row: AuditCheckpointTable): Promise<void> {
  await trx.insertInto('audit_checkpoint').values(row).execute();
}
