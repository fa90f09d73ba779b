import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSigningKey } from '@countersign/protocol/signing';
import { sql } from 'kysely';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import type { Db, Trx } from '../../src/storage/database.ts';
import { write } from '../../src/storage/write.ts';
import { tempDatabase } from './temp-database.ts';

const append = (trx: Trx, at: number) =>
  appendEntry(trx, { event: 'server.disconnected', at, who: whoIs('system'), details: { why: `n${at}` } });
const times = async (db: Db | Trx) =>
  (await db.selectFrom('audit_entry').select('at').orderBy('seq').execute()).map(({ at }) => at);
const put = (trx: Trx, name: string) => trx.insertInto('setting').values({ name, value: name }).execute();
const settings = (db: Db) => db.selectFrom('setting').select('name').execute();
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

test('when writes of one commit only add rows, all are stored as they were given, in their order', async (t) => {
  for (const count of [1, 20, 21, 128]) {
    const { db } = await tempDatabase(t);
    assert.deepEqual(
      await Promise.all(upTo(count).map((n) => write(db, (trx) => append(trx, n)))),
      upTo(count).map((n) => n + 1),
    );
    assert.deepEqual(await times(db), upTo(count));
    const { ok, entries, problems } = await verifyLedger({ db, publicKey: makeSigningKey().publicKey });
    assert.deepEqual([ok, entries, problems], [true, count, []]);
  }
});

test('when a write asks for what was added before in its commit, by itself or by others, it finds that, however much it asks at once', async (t) => {
  const { db } = await tempDatabase(t);
  await Promise.all(
    upTo(6).map((n) =>
      write(db, async (trx) => {
        await append(trx, n);
        if (n % 2 === 0) return;
        assert.deepEqual(await Promise.all([times(trx), times(trx)]), [upTo(n + 1), upTo(n + 1)]);
      }),
    ),
  );
  assert.deepEqual(await times(db), upTo(6));
});

test('T22: when a write fails, what it added is gone, whether it stood in the database already or not, and the chain goes on', async (t) => {
  const { db } = await tempDatabase(t);
  const outcomes = await Promise.allSettled(
    upTo(24).map((n) =>
      write(db, async (trx) => {
        if (n % 5 === 3) await times(trx);
        await append(trx, n);
        if (n % 4 === 2) await times(trx);
        if (n % 4 === 1) await append(trx, n);
        if (n % 3 === 0) throw new RangeError(`${n}`);
      }),
    ),
  );
  const kept = upTo(24).filter((n) => n % 3 !== 0);
  assert.deepEqual(
    outcomes.map((it) => (it.status === 'rejected' ? String(it.reason) : 'kept')),
    upTo(24).map((n) => (n % 3 === 0 ? `RangeError: ${n}` : 'kept')),
  );
  assert.deepEqual(
    await times(db),
    kept.flatMap((n) => (n % 4 === 1 ? [n, n] : [n])),
  );
  const { ok, problems } = await verifyLedger({ db, publicKey: makeSigningKey().publicKey });
  assert.deepEqual([ok, problems], [true, []]);
});

for (const [what, asks] of [
  ['at the end of the commit', async () => undefined],
  ['when one asks for something, who would go on all the same', (trx: Trx) => times(trx).catch(() => undefined)],
] as const)
  test(`F10: when an added row cannot be stored, ${what}, nobody of that commit is told that it stands, and the next is none the worse`, async (t) => {
    const { db } = await tempDatabase(t);
    await sql`create trigger no_three before insert on audit_entry when new.at = 3 begin select raise(abort, 'no three'); end`.execute(
      db,
    );
    const outcomes = await Promise.allSettled(
      upTo(5).map((n) =>
        write(db, async (trx) => {
          await append(trx, n);
          if (n === 4) await asks(trx);
        }),
      ),
    );
    for (const it of outcomes) assert.match(it.status === 'rejected' ? String(it.reason) : it.status, /no three/);
    assert.deepEqual(await times(db), []);
    assert.equal(await write(db, (trx) => append(trx, 5)), 1);
  });

test('F10: when adding rows ends the whole transaction, a write that goes on all the same stores nothing', async (t) => {
  const { db } = await tempDatabase(t);
  // As SQLite itself does when the disk is full.
  await sql`create trigger no_one before insert on audit_entry when new.at = 1 begin select raise(rollback, 'no one'); end`.execute(
    db,
  );
  const outcomes = await Promise.allSettled([
    write(db, (trx) => append(trx, 0)),
    write(db, (trx) => append(trx, 1)),
    write(db, async (trx) => {
      await times(trx).catch(() => undefined);
      await put(trx, 'all the same').catch(() => undefined);
    }),
  ]);
  for (const it of outcomes) assert.match(it.status === 'rejected' ? String(it.reason) : it.status, /no one/);
  assert.deepEqual([await times(db), await settings(db)], [[], []]);
});

test('when a write fails while it asks for something, that is not stored either, and the next ones are none the worse', async (t) => {
  for (const steps of upTo(16)) {
    const { db } = await tempDatabase(t);
    let left: Promise<unknown> | undefined;
    await Promise.allSettled([
      write(db, (trx) => append(trx, 0)),
      write(db, async (trx) => {
        await append(trx, 1);
        left = Promise.allSettled([put(trx, 'left'), times(trx)]);
        for (let step = 0; step < steps; step += 1) await null;
        throw new RangeError('before it has the answer');
      }),
      write(db, async (trx) => {
        await append(trx, 2);
        throw new RangeError('so does this one');
      }),
      write(db, (trx) => append(trx, 3)),
    ]);
    await left;
    assert.deepEqual([await settings(db), await times(db)], [[], [0, 3]], `after ${steps} steps`);
    const { ok, problems } = await verifyLedger({ db, publicKey: makeSigningKey().publicKey });
    assert.deepEqual([ok, problems], [true, []]);
  }
});

test('when a write has ended, it adds nothing any more', async (t) => {
  const { db } = await tempDatabase(t);
  let left: Trx | undefined;
  await write(db, async (trx) => {
    left = trx;
    await append(trx, 0);
  });
  await assert.rejects(append(left ?? assert.fail(), 1), /has ended/);
  await write(db, (trx) => append(trx, 2));
  assert.deepEqual(await times(db), [0, 2]);
});
