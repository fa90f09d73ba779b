/** Every version of a playbook that was ever in force, and who changed its file. */
import { columns, needed, type Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  await columns(
    db.schema
      .createTable('playbook_version')
      .addColumn('playbook', 'text', needed)
      .addColumn('seen_at', 'bigint', needed),
    ...['sha256', 'version:integer', 'yaml?', 'source', 'changed_by?', 'changed_at?:bigint'],
  )
    .addPrimaryKeyConstraint('playbook_version_key', ['playbook', 'seen_at'] as never)
    .execute();
}
