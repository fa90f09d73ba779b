/** What was found on each server last, and the time before. */
import { columns, key, type Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  await columns(
    db.schema.createTable('discovery').addColumn('server_id', 'text', key),
    ...['found_at:bigint', 'found_json', 'before_at?:bigint', 'before_json?'],
  ).execute();
}
