/** Makes all tables. Their columns are told in `tables.ts`. */
import { transitions } from '@countersign/protocol';
import { sql } from 'kysely';
import { countedKey, makeAppendOnly } from '../dialect.ts';
import { columns, key, maybeTo, type Schema, to } from './columns.ts';

export async function up(db: Schema): Promise<void> {
  await makePeople(db);
  await makeServers(db);
  await makeActions(db);
  await makeApprovals(db);
  await makeAudit(db);
  await makeAlerts(db);
  await makeTelegram(db);
}

async function makePeople(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema.createTable('person').addColumn('id', 'text', key),
    ...['email', 'name', 'role', 'password_hash?', 'totp_sealed?', 'totp_confirmed:integer', 'totp_last_step:bigint'],
    ...['ide_answers:integer', 'created_at:bigint', 'removed_at?:bigint'],
  ).execute();
  await schema
    .createIndex('person_email')
    .on('person')
    .column('email')
    .unique()
    .where(sql.ref('removed_at'), 'is', null)
    .execute();
  await columns(
    schema
      .createTable('session')
      .addColumn('id', 'text', key)
      .addColumn('person_id', 'text', to('person.id'))
      .addColumn('secret_hash', 'text', (column) => column.notNull().unique()),
    ...['kind', 'strength', 'ip?', 'user_agent?', 'created_at:bigint', 'last_used_at:bigint', 'expires_at:bigint'],
  ).execute();
  await schema.createIndex('session_person').on('session').column('person_id').execute();
  await columns(
    schema
      .createTable('token')
      .addColumn('id', 'text', key)
      .addColumn('person_id', 'text', to('person.id'))
      .addColumn('secret_hash', 'text', (column) => column.notNull().unique()),
    ...['name', 'scope', 'created_at:bigint', 'last_used_at?:bigint', 'last_client?', 'expires_at?:bigint'],
    'revoked_at?:bigint',
  ).execute();
  await columns(
    schema.createTable('one_use_secret').addColumn('secret_hash', 'text', key),
    ...['purpose', 'subject_id?', 'created_at:bigint', 'expires_at:bigint', 'used_at?:bigint'],
  ).execute();
  await columns(schema.createTable('setting').addColumn('name', 'text', key), 'value').execute();
}

async function makeServers(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema.createTable('server').addColumn('id', 'text', key),
    ...['name', 'labels_json', 'state', 'public_key?', 'created_at:bigint', 'enrolled_at?:bigint'],
    ...['last_seen_at?:bigint', 'facts_json?', 'policy_json?', 'capabilities_json', 'agent_version?'],
    ...['clock_offset_ms?:bigint', 'thresholds_json', 'journal_head?', 'acknowledged_seq:bigint'],
  ).execute();
  await schema
    .createIndex('server_name')
    .on('server')
    .column('name')
    .unique()
    .where(sql.ref('state'), '<>', 'revoked')
    .execute();
  await columns(
    schema.createTable('server_sample').addColumn('server_id', 'text', to('server.id')),
    ...['at:bigint', 'sample_json'],
  )
    .addPrimaryKeyConstraint('server_sample_key', ['server_id', 'at'] as never)
    .execute();
  await columns(
    schema.createTable('enrolment_step').addColumn('server_id', 'text', to('server.id')),
    ...['step', 'at:bigint', 'note'],
  )
    .addPrimaryKeyConstraint('enrolment_step_key', ['server_id', 'step'] as never)
    .execute();
}

async function makeActions(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema
      .createTable('action')
      .addColumn('id', 'text', key)
      .addColumn('server_id', 'text', to('server.id'))
      .addColumn('requested_by_person', 'text', to('person.id'))
      .addColumn('requested_by_token', 'text', maybeTo('token.id')),
    ...['state', 'title', 'source_json', 'risk', 'reversible:integer', 'digest', 'plan_json', 'resource'],
    ...['requested_by_session?', 'requested_by_client?', 'request_key', 'reason?', 'rule', 'policy_json'],
    ...['approvals_needed:integer', 'changed_parameters_json', 'created_at:bigint', 'decide_by:bigint'],
    ...['start_by?:bigint', 'dispatched_at?:bigint', 'started_at?:bigint', 'finished_at?:bigint'],
    ...['current_step_json?', 'result_json?', 'fault_json?', 'stop_requested_at?:bigint', 'stop_requested_by?'],
  ).execute();
  const index = (name: string, ...on: string[]) => schema.createIndex(name).on('action').columns(on).execute();
  await index('action_newest', 'created_at', 'id');
  await index('action_state', 'state', 'server_id');
  await index('action_server', 'server_id', 'created_at');
  await index('action_request_key', 'request_key', 'created_at');

  await columns(schema.createTable('action_transition'), 'from_state', 'event', 'to_state')
    .addPrimaryKeyConstraint('action_transition_key', ['from_state', 'event', 'to_state'] as never)
    .execute();
  // Two causes may bring about the same arrow: `(from, event)` leads to one state, so it names the arrow.
  const arrows = new Map(transitions.map((it) => [`${it.from} ${it.event}`, it]));
  for (const { from, event, to } of arrows.values())
    await sql`insert into action_transition (from_state, event, to_state) values (${from}, ${event}, ${to})`.execute(
      db,
    );
  await columns(
    schema.createTable('action_history').addColumn('action_id', 'text', to('action.id')),
    ...['n:integer', 'from_state?', 'event', 'to_state', 'by', 'at:bigint', 'note?'],
  )
    .addPrimaryKeyConstraint('action_history_key', ['action_id', 'n'] as never)
    // Where from_state is null (the first entry) the key is not checked: SQL, MATCH SIMPLE.
    .addForeignKeyConstraint(
      'action_history_legal',
      ['from_state', 'event', 'to_state'] as never,
      'action_transition',
      ['from_state', 'event', 'to_state'],
    )
    .execute();
}

async function makeApprovals(db: Schema): Promise<void> {
  await columns(
    db.schema
      .createTable('approval')
      .addColumn('id', 'text', key)
      .addColumn('action_id', 'text', to('action.id'))
      .addColumn('person_id', 'text', to('person.id')),
    ...['verdict', 'channel', 'strength', 'digest', 'at:bigint', 'reason?'],
  )
    .addUniqueConstraint('approval_one_voice', ['action_id', 'person_id'] as never)
    .execute();
  await columns(
    db.schema.createTable('action_output').addColumn('action_id', 'text', to('action.id')),
    ...['chunk:integer', 'step', 'text', 'dropped:bigint'],
  )
    .addPrimaryKeyConstraint('action_output_key', ['action_id', 'chunk'] as never)
    .execute();
}

async function makeAudit(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema.createTable('audit_entry').addColumn('seq', 'integer', key),
    ...['at:bigint', 'event', 'server_id?', 'action_id?', 'person_id?', 'body', 'hash'],
  ).execute();
  for (const column of ['at', 'event', 'server_id', 'action_id'])
    await schema.createIndex(`audit_entry_${column}`).on('audit_entry').columns([column, 'seq']).execute();
  await makeAppendOnly(db, 'audit_entry');
  await columns(
    schema.createTable('audit_checkpoint').addColumn('size', 'integer', key),
    ...['head', 'note', 'at:bigint'],
  ).execute();
  await makeAppendOnly(db, 'audit_checkpoint');
}

async function makeAlerts(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema.createTable('alert').addColumn('id', 'text', key).addColumn('server_id', 'text', maybeTo('server.id')),
    ...['dedupe_key', 'state', 'severity', 'source', 'kind', 'title', 'labels_json', 'first_at:bigint'],
    ...['last_at:bigint', 'resolved_at?:bigint', 'times:integer'],
  ).execute();
  await schema
    .createIndex('alert_firing')
    .on('alert')
    .column('dedupe_key')
    .unique()
    .where(sql.ref('state'), '=', 'firing')
    .execute();
  await schema.createIndex('alert_newest').on('alert').columns(['state', 'last_at']).execute();
  await schema.createIndex('alert_key').on('alert').columns(['dedupe_key', 'last_at']).execute();
  await schema.createIndex('alert_server').on('alert').columns(['server_id', 'state']).execute();
  await columns(
    schema
      .createTable('timeline_entry')
      .addColumn('id', 'integer', countedKey)
      .addColumn('server_id', 'text', maybeTo('server.id'))
      .addColumn('action_id', 'text', maybeTo('action.id')),
    ...['at:bigint', 'kind', 'title', 'alert_id?', 'by?'],
  ).execute();
  await schema.createIndex('timeline_newest').on('timeline_entry').columns(['at', 'id']).execute();
  await schema.createIndex('timeline_server').on('timeline_entry').columns(['server_id', 'at']).execute();
  await schema.createIndex('timeline_alert').on('timeline_entry').columns(['alert_id', 'at']).execute();
  await columns(
    schema
      .createTable('hook')
      .addColumn('id', 'text', key)
      .addColumn('secret_hash', 'text', (column) => column.notNull().unique()),
    ...['name', 'kind', 'created_at:bigint', 'last_used_at?:bigint', 'removed_at?:bigint'],
  ).execute();
}

async function makeTelegram(db: Schema): Promise<void> {
  const { schema } = db;
  await columns(
    schema
      .createTable('telegram_link')
      .addColumn('person_id', 'text', (column) => column.notNull().primaryKey().references('person.id'))
      .addColumn('telegram_id', 'text', (column) => column.notNull().unique()),
    ...['telegram_name', 'state', 'at:bigint'],
  ).execute();
  await columns(schema.createTable('telegram_update').addColumn('update_id', 'bigint', key), 'at:bigint').execute();
  await columns(
    schema.createTable('telegram_card').addColumn('action_id', 'text', to('action.id')),
    ...['chat_id', 'message_id:bigint', 'shown_hash', 'result_posted:integer'],
  )
    .addPrimaryKeyConstraint('telegram_card_key', ['action_id', 'chat_id'] as never)
    .execute();
}
