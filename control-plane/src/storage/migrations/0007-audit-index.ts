/**
 * The audit log without indexes of its own: each of them was one page more to sync with every commit. What finds entries is a
 * table beside it, filled behind in batches (`audit-index.store.ts`).
 */
import { sql } from 'kysely';
import { makeAppendOnly } from '../dialect.ts';
import { columns, key, type Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema.createTable('audit_index').addColumn('seq', 'integer', key),
    ...['at:bigint', 'event', 'server_id?', 'action_id?'],
  ).execute();
  await sql`
    insert into audit_index (seq, at, event, server_id, action_id)
    select seq, at, event, server_id, action_id from audit_entry order by seq
  `.execute(db);
  for (const column of ['at', 'event', 'server_id', 'action_id']) {
    const index = schema.createIndex(`audit_index_${column}`).on('audit_index').columns([column, 'seq']);
    // Most entries name no server or action: they need no place there.
    await (column.endsWith('_id') ? index.where(sql.ref(column), 'is not', null) : index).execute();
    await schema.dropIndex(`audit_entry_${column}`).execute();
  }
  await makeAppendOnly(db, 'audit_index');
}
