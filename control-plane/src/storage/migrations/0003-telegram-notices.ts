/** What is still to be told in a chat; and a step before the others in how far a card's chat knows of its end. */
import { sql } from 'kysely';
import { columns, needed, type Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  await columns(
    db.schema
      .createTable('telegram_notice')
      .addColumn('audit_seq', 'integer', needed)
      .addColumn('chat_id', 'text', needed),
  )
    .addPrimaryKeyConstraint('telegram_notice_key', ['audit_seq', 'chat_id'] as never)
    .execute();
  await sql`update telegram_card set result_posted = result_posted + 1 where result_posted > 0`.execute(db);
}
