/** Passkeys, the lock, amendments, signatures of approvals, and what servers keep of the audit log. */
import { columns, key, type Schema, to } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema
      .createTable('passkey')
      .addColumn('id', 'text', key)
      .addColumn('person_id', 'text', to('person.id'))
      .addColumn('credential_id', 'text', (column) => column.notNull().unique()),
    ...[
      'name',
      'public_key',
      'cose_key',
      'counter:bigint',
      'transports_json',
      'created_at:bigint',
      'last_used_at?:bigint',
    ],
  ).execute();
  await columns(
    schema.createTable('webauthn_challenge').addColumn('challenge', 'text', key),
    ...['purpose', 'session_id?', 'expires_at:bigint'],
  ).execute();
  await columns(
    schema.createTable('lock_state').addColumn('digest', 'text', key),
    ...['number:integer', 'state_json', 'change_json?', 'by', 'at:bigint'],
  ).execute();
  await columns(
    schema.createTable('amendment').addColumn('id', 'text', key).addColumn('by_person', 'text', to('person.id')),
    ...['state', 'kind', 'title', 'change_json', 'diff?', 'rule', 'others_needed:integer', 'at:bigint'],
    ...['expires_at:bigint', 'ended_at?:bigint', 'declined_by?'],
  ).execute();
  await columns(
    schema
      .createTable('amendment_vote')
      .addColumn('amendment_id', 'text', to('amendment.id'))
      .addColumn('person_id', 'text', to('person.id')),
    'at:bigint',
  )
    .addPrimaryKeyConstraint('amendment_vote_key', ['amendment_id', 'person_id'] as never)
    .execute();
  await addColumns(db, 'approval', ['signature_json']);
  await addColumns(db, 'action', [
    ...['follows_action', 'follows_json', 'not_followed', 'confirm_by:bigint', 'confirm_json'],
  ]);
  // One action is asked for again once at most, whoever tries at the same time.
  await schema.createIndex('action_follows').on('action').column('follows_action').unique().execute();
  await addColumns(db, 'server', ['witness_key', 'witness_json', 'contradiction_json']);
}

/** Adds columns that may be null, with a type after `:` when it is not text. */
async function addColumns({ schema }: Schema, table: string, specs: readonly string[]): Promise<void> {
  for (const spec of specs) {
    const [name = '', type = 'text'] = spec.split(':');
    await schema
      .alterTable(table)
      .addColumn(name, type as 'text')
      .execute();
  }
}
