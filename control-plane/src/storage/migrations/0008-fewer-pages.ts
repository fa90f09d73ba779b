/** Indexes without the rows that nobody looks for by them: each index that a commit touches is a page more to sync. */
import { sql } from 'kysely';
import type { Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  const { schema } = db;
  const index = (name: string, table: string, ...on: string[]) => schema.createIndex(name).on(table).columns(on);
  await schema.dropIndex('timeline_alert').execute();
  await index('timeline_alert', 'timeline_entry', 'alert_id', 'at')
    .where(sql.ref('alert_id'), 'is not', null)
    .execute();
  await schema.dropIndex('action_follows').execute();
  await index('action_follows', 'action', 'follows_action')
    .unique()
    .where(sql.ref('follows_action'), 'is not', null)
    .execute();
  await schema.dropIndex('action_ended').execute();
  await index('action_ended', 'action', 'state', 'finished_at').where(sql.ref('finished_at'), 'is not', null).execute();
}
