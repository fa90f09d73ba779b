/** Queries of the audit log. */
import type { AuditCheckpointTable, AuditEntryTable } from '../storage/audit-tables.ts';
import type { Db, Trx } from '../storage/database.ts';
import { prepared, preparedRows } from '../storage/prepared.ts';
import type { EntryBody } from './entry.ts';
import { columnsOf } from './stored-entry.ts';

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

const members = ['seq', 'at', 'event', 'server_id', 'action_id', 'person_id', 'body', 'hash'] as const;

const insertRow = preparedRows<AuditEntryTable>(members, (db, rows) => db.insertInto('audit_entry').values(rows));

/** Adds an entry to the log, with what else is added in the same commit. */
export function insertEntry(trx: Trx, body: EntryBody, text: string, hash: string): void {
  insertRow(trx, { ...columnsOf(body), body: text, hash });
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
