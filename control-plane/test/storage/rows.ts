/** Rows that tests need before they can begin. */
import type { Trx } from '../../src/storage/database.ts';
import type { PersonTable, ServerTable } from '../../src/storage/tables.ts';

export async function addServer(trx: Trx, row: Partial<ServerTable> & { id: string; name: string }): Promise<void> {
  await trx
    .insertInto('server')
    .values({
      labels_json: '{}',
      state: 'enrolled',
      public_key: null,
      created_at: 0,
      enrolled_at: 0,
      last_seen_at: 0,
      facts_json: null,
      policy_json: null,
      capabilities_json: '[]',
      agent_version: null,
      clock_offset_ms: 0,
      thresholds_json: '{}',
      journal_head: null,
      ...row,
    })
    .execute();
}

export async function addPerson(trx: Trx, row: Partial<PersonTable> & { id: string; name: string }): Promise<void> {
  await trx
    .insertInto('person')
    .values({
      email: `${row.id}@example.org`,
      role: 'approver',
      password_hash: 'scrypt$x',
      totp_sealed: null,
      totp_confirmed: 0,
      totp_last_step: 0,
      ide_answers: 0,
      created_at: 0,
      removed_at: null,
      ...row,
    })
    .execute();
}
