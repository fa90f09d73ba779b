/** A column that nobody reads: an agent is told up to where its reports are stored, and sends again what it was not told of. */
import type { Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  await db.schema.alterTable('server').dropColumn('acknowledged_seq').execute();
}
