import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { auditNouns, type LiveEvent } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import Sqlite from 'better-sqlite3';
import { type AuditEvent, auditEvents } from '../../src/audit/events.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { tellOfEntries } from '../../src/audit/tell-of-entries.ts';
import { liveHub } from '../../src/http/live-hub.ts';
import type { Trx } from '../../src/storage/database.ts';
import { write } from '../../src/storage/write.ts';
import { manualClock } from '../actions/manual-clock.ts';
import { tempDatabase } from '../storage/temp-database.ts';

/** A log of which an open page hears, and who looks from outside at what is on disk. */
async function followed(t: TestContext) {
  const { db, path } = await tempDatabase(t);
  const other = new Sqlite(path, { readonly: true });
  t.after(() => other.close());
  const newest = other.prepare('select coalesce(max(seq), 0) from audit_entry').pluck();
  const clock = manualClock();
  const hub = liveHub({ ids: systemIds });
  const heard: { event: LiveEvent; stored: number }[] = [];
  hub.subscribe((frame) => {
    const data = /^data: (.*)$/m.exec(frame.toString())?.[1] ?? '';
    heard.push({ event: JSON.parse(data), stored: Number(newest.get()) });
  });
  tellOfEntries({ db, clock, live: hub });
  const append = (trx: Trx, event: AuditEvent) => appendEntry(trx, { event, at: clock.now(), who: whoIs('system') });
  return { db, clock, heard, append };
}

test('when a commit appended entries, pages are told once of all of them, after it is on disk and not before', async (t) => {
  const { db, clock, heard, append } = await followed(t);
  const three = write(db, async (trx) => {
    await append(trx, 'person.invited');
    await append(trx, 'token.created');
    await clock.pass(10_000);
    assert.deepEqual(heard, [], 'nothing is on disk yet');
    return append(trx, 'token.revoked');
  });
  await Promise.all([three, write(db, (trx) => append(trx, 'hook.created'))]);
  await clock.pass(10_000);
  assert.deepEqual(heard, [{ event: { type: 'audit', seq: 4, nouns: ['person', 'token', 'hook'] }, stored: 4 }]);
});

test('when a write is taken back, nobody is told of its entries, but of those of its neighbours', async (t) => {
  const { db, clock, heard, append } = await followed(t);
  const failing = () =>
    write(db, async (trx) => {
      await append(trx, 'person.invited');
      throw new Error('changed its mind');
    });
  await assert.rejects(failing(), /changed its mind/);
  await clock.pass(10_000);
  assert.deepEqual(heard, []);
  const all = await Promise.allSettled([
    write(db, (trx) => append(trx, 'hook.created')),
    failing(),
    write(db, (trx) => append(trx, 'token.created')),
  ]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  await clock.pass(10_000);
  assert.deepEqual(heard, [{ event: { type: 'audit', seq: 2, nouns: ['hook', 'token'] }, stored: 2 }]);
});

test('T13: when 300 entries come one after the other, pages are told a few times, at last of the newest', async (t) => {
  const { db, clock, heard, append } = await followed(t);
  for (let n = 1; n <= 300; n += 1) {
    await write(db, (trx) => append(trx, 'server.connected'));
    await clock.pass(3);
  }
  await clock.pass(10_000);
  assert.ok(heard.length > 1 && heard.length <= 10, `told ${heard.length} times in a second`);
  assert.deepEqual(heard.at(-1)?.event, { type: 'audit', seq: 300, nouns: ['server'] });
});

test('when an entry is of any kind, there is a word for what it is about', () => {
  const nouns = Object.keys(auditEvents).map((event) => event.slice(0, event.indexOf('.')));
  assert.deepEqual([...new Set(nouns)].sort(), [...auditNouns].sort());
});
