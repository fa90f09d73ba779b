/** Indexes for long histories: with a million actions and 20,000 servers each list, sweep and count still finds its rows by one. */
import { sql } from 'kysely';
import type { Schema } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  const { schema } = db;
  const index = (name: string, table: string, ...on: string[]) => schema.createIndex(name).on(table).columns(on);
  // What a server has in a state, in order; and all that is in a state, in order.
  await schema.dropIndex('action_state').execute();
  await index('action_state', 'action', 'state', 'server_id', 'created_at', 'id').execute();
  await index('action_state_newest', 'action', 'state', 'created_at', 'id').execute();
  // What ended in a state since a time.
  await index('action_ended', 'action', 'state', 'finished_at').execute();
  // Rows of servers are wide: whoever walks over many of them, or counts them, reads these instead.
  const notRevoked = [sql.ref('state'), '<>', 'revoked'] as const;
  await index('server_listed', 'server', 'name', 'id', 'state', 'labels_json')
    .where(...notRevoked)
    .execute();
  await index('server_state', 'server', 'state', 'agent_version').execute();
  await index('server_contradiction', 'server', 'name').where(sql.ref('contradiction_json'), 'is not', null).execute();
  // Each connection asks by key.
  await index('server_key', 'server', 'public_key').execute();
  await index('one_use_secret_subject', 'one_use_secret', 'subject_id').execute();
  await schema.dropIndex('alert_server').execute();
  await index('alert_server', 'alert', 'server_id', 'state', 'last_at', 'id').execute();
  await index('telegram_card_told', 'telegram_card', 'result_posted').execute();
}
