/** Queries of the audit log. */
import type { Db, Trx } from '../storage/database.ts';
import type { AuditCheckpointTable, AuditEntryTable } from '../storage/tables.ts';
import type { EntryBody } from './entry.ts';

/** The newest entry: its number and hash; nothing when the log is empty. */
export function lastEntry(db: Db | Trx): Promise<Pick<AuditEntryTable, 'seq' | 'hash'> | undefined> {
  return db.selectFrom('audit_entry').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1).executeTakeFirst();
}

/** The hash of one entry; nothing when there is none of that number. */
export async function entryHash(db: Db | Trx, seq: number): Promise<string | undefined> {
  return (await db.selectFrom('audit_entry').select('hash').where('seq', '=', seq).executeTakeFirst())?.hash;
}

export async function insertEntry(trx: Trx, body: EntryBody, text: string, hash: string): Promise<void> {
  await trx
    .insertInto('audit_entry')
    .values({ ...columnsOf(body), body: text, hash })
    .execute();
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
export function newestEntries(db: Db, filter: EntryFilter, before: number, limit: number): Promise<AuditEntryTable[]> {
  let query = db.selectFrom('audit_entry').selectAll().where('seq', '<', before);
  if (filter.serverId !== undefined) query = query.where('server_id', '=', filter.serverId);
  if (filter.actionId !== undefined) query = query.where('action_id', '=', filter.actionId);
  if (filter.event !== undefined) query = query.where('event', '=', filter.event);
  if (filter.since !== undefined) query = query.where('at', '>=', filter.since);
  return query.orderBy('seq', 'desc').limit(limit).execute();
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
