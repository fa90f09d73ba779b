import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeSigningKey } from '@countersign/protocol/signing';
import Sqlite from 'better-sqlite3';
import {
  type EntryFilter,
  entriesOf,
  INDEXED_AT_ONCE,
  indexedUpTo,
  newestEntries,
} from '../../src/audit/audit-index.store.ts';
import type { AuditEvent } from '../../src/audit/events.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import type { Db } from '../../src/storage/database.ts';
import { write } from '../../src/storage/write.ts';
import { tempDatabase } from '../storage/temp-database.ts';
import { ledger } from './ledger-fixture.ts';

const events: readonly AuditEvent[] = ['server.connected', 'server.disconnected', 'action.started', 'token.created'];

/** Every entry `n` differs: server, action and event go round, and the clock is set back for a while. */
const shape = (n: number) => ({
  at: n > 1500 && n < 1700 ? n - 1000 : n,
  event: events[n % 4] ?? assert.fail(),
  serverId: n % 3 === 0 ? `srv_${n % 7}` : undefined,
  actionId: n % 5 === 0 ? `act_${n % 11}` : undefined,
});

async function append(db: Db, count: number, from = 1): Promise<void> {
  await write(db, async (trx) => {
    for (let n = from; n < from + count; n += 1) await appendEntry(trx, { ...shape(n), who: whoIs('system') });
  });
}

async function filled(t: TestContext, count: number) {
  const store = await tempDatabase(t);
  await append(store.db, count);
  return store;
}

const all = Number.MAX_SAFE_INTEGER;
const COUNT = 2 * INDEXED_AT_ONCE + 300;

test('when entries are looked up, those in the index and those after it come as one, newest first', async (t) => {
  const { db } = await filled(t, COUNT);
  assert.equal(await indexedUpTo(db), 2 * INDEXED_AT_ONCE);
  const filters: EntryFilter[] = [
    {},
    { serverId: 'srv_3' },
    { actionId: 'act_5' },
    { event: 'action.started' },
    { serverId: 'srv_3', event: 'action.started' },
    { serverId: 'srv_none' },
    ...[0, 600, 1650, 1900, 2000, 2001, 2250, COUNT + 1].map((since) => ({ since })),
    { since: 650, serverId: 'srv_0' },
    { since: 2100, event: 'token.created' },
  ];
  const rows = Array.from({ length: COUNT }, (_, n) => ({ seq: n + 1, ...shape(n + 1) })).reverse();
  for (const filter of filters)
    for (const before of [all, COUNT, 2002, 2001, 2000, 1999, 1600, 2])
      for (const limit of [1, 7, COUNT]) {
        const fits = rows.filter(
          (row) =>
            row.seq < before &&
            (filter.serverId === undefined || filter.serverId === row.serverId) &&
            (filter.actionId === undefined || filter.actionId === row.actionId) &&
            (filter.event === undefined || filter.event === row.event) &&
            (filter.since === undefined || row.at >= filter.since),
        );
        const found = await newestEntries(db, filter, before, limit);
        assert.deepEqual(
          found.map(({ seq }) => seq),
          fits.slice(0, limit).map(({ seq }) => seq),
          JSON.stringify({ filter, before, limit }),
        );
      }
});

test('when entries of some events are asked for from a number on, they come oldest first, across the end of the index', async (t) => {
  const { db } = await filled(t, COUNT);
  const wanted = ['action.started', 'token.created'] as const;
  for (const after of [0, 1000, 1990, 2000, 2010, COUNT]) {
    const fits = Array.from({ length: COUNT }, (_, n) => n + 1).filter((n) => n > after && n % 4 >= 2);
    for (const limit of [1, 20, COUNT]) {
      const found = await entriesOf(db, wanted, after, limit);
      assert.deepEqual(
        found.map(({ seq }) => seq),
        fits.slice(0, limit),
      );
    }
  }
});

test('when the write that fills the index is taken back, the next entry of that number fills it', async (t) => {
  const { db } = await filled(t, INDEXED_AT_ONCE - 1);
  const entry = { event: 'server.connected', at: 1, who: whoIs('system') } as const;
  const failing = write(db, async (trx) => {
    assert.equal(await appendEntry(trx, entry), INDEXED_AT_ONCE);
    assert.equal(await indexedUpTo(trx), INDEXED_AT_ONCE);
    throw new RangeError('no');
  });
  const appended = write(db, (trx) => appendEntry(trx, entry));
  await assert.rejects(failing, RangeError);
  assert.equal(await appended, INDEXED_AT_ONCE);
  assert.equal(await indexedUpTo(db), INDEXED_AT_ONCE);
});

test('when a store is from before the index, it is filled with what is there, and nothing of the log is changed', async (t) => {
  const { db, path } = await filled(t, 30);
  const before = await db.selectFrom('audit_entry').selectAll().orderBy('seq').execute();
  const sqlite = new Sqlite(path);
  sqlite.exec(`drop table audit_index; delete from kysely_migration where name >= '0007'`);
  sqlite.exec('alter table server add column acknowledged_seq bigint not null default 0');
  for (const column of ['at', 'event', 'server_id', 'action_id'])
    sqlite.exec(`create index audit_entry_${column} on audit_entry (${column}, seq)`);
  sqlite.close();
  const { db: migrated } = await tempDatabase(t, { path });
  assert.equal(await indexedUpTo(migrated), 30);
  assert.deepEqual(await migrated.selectFrom('audit_entry').selectAll().orderBy('seq').execute(), before);
  assert.equal((await newestEntries(migrated, { event: 'token.created' }, all, 100)).length, 7);
  await append(migrated, INDEXED_AT_ONCE, 31);
  assert.equal(await indexedUpTo(migrated), INDEXED_AT_ONCE);
});

for (const [what, statement] of Object.entries({
  'an entry is taken out of the index': 'delete from audit_index where seq = 7',
  'an entry stands in the index as another event': "update audit_index set event = 'token.revoked' where seq = 7",
  'an entry stands in the index with a server': "update audit_index set server_id = 'srv_1' where seq = 7",
}))
  test(`T22: when ${what}, so that a search misses it, verification names it`, async (t) => {
    const { db, key, tamper } = await ledger(t, 12, [12]);
    tamper(
      'insert into audit_index select seq, at, event, server_id, action_id from audit_entry where seq <= 9',
      statement,
    );
    for (const options of [{}, { threadsFrom: 1, pageSize: 5 }, { inSpans: false }]) {
      const verdict = await verifyLedger({ db, publicKey: key.publicKey }, options);
      assert.deepEqual(verdict.problems, [
        { seq: 7, problem: 'was changed: what is searched is not what was recorded' },
      ]);
    }
  });

test('T22: when a row stands in the index beyond the end of the log, what comes is found all the same, and verification names the row', async (t) => {
  const { db, path } = await filled(t, 30);
  const sqlite = new Sqlite(path);
  sqlite.exec("insert into audit_index (seq, at, event) values (1000000, 1, 'server.connected')");
  sqlite.close();
  const publicKey = makeSigningKey().publicKey;
  const found = async () => (await newestEntries(db, { event: 'token.created' }, all, COUNT)).length;
  for (const [more, ofEvent, end] of [
    [0, 7, 0],
    [INDEXED_AT_ONCE - 31, 250, 0],
    [41, 261, INDEXED_AT_ONCE],
  ] as const) {
    await append(db, more, 31);
    assert.deepEqual([await found(), await indexedUpTo(db)], [ofEvent, end]);
    for (const inSpans of [true, false])
      assert.deepEqual((await verifyLedger({ db, publicKey }, { inSpans })).problems, [
        { seq: null, problem: 'the index was changed: it has entry 1000000, beyond the end of the log' },
      ]);
  }
});

test('when the index has every entry as it is, or has not come to it, verification finds nothing, in spans and one by one', async (t) => {
  const { db } = await filled(t, INDEXED_AT_ONCE + 40);
  const publicKey = makeSigningKey().publicKey;
  for (const inSpans of [true, false])
    assert.deepEqual((await verifyLedger({ db, publicKey }, { inSpans })).problems, []);
});
