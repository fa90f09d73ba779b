import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Fault } from '@countersign/protocol';
import { makeSigningKey } from '@countersign/protocol/signing';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { afterCommit } from '../../src/storage/after-commit.ts';
import type { Db, Trx } from '../../src/storage/database.ts';
import { prepared } from '../../src/storage/prepared.ts';
import { write } from '../../src/storage/write.ts';
import { tempDatabase } from './temp-database.ts';

const put = (trx: Trx, name: string) => trx.insertInto('setting').values({ name, value: name }).execute();
const sizeOf = async (db: Db) =>
  (
    await db
      .selectFrom('setting')
      .select((q) => q.fn.countAll<number>().as('size'))
      .executeTakeFirstOrThrow()
  ).size;
const upTo = (count: number) => Array.from({ length: count }, (_, n) => `${n}`.padStart(3, '0'));

/** A database and a second connection to it, which sees what is committed. */
async function watched(t: TestContext, options: { readonly gather?: boolean } = {}) {
  const { db, path } = await tempDatabase(t, options);
  const other = new Sqlite(path, { readonly: true });
  t.after(() => other.close());
  const names = other.prepare('select name from setting order by name').pluck();
  const stored = () => names.all() as string[];
  return { db, path, stored };
}

/** How many commits a write-ahead log holds: its frames that end one name the size of the database (sqlite.org/fileformat2.html, section 4.1). */
function commitsIn(path: string): number {
  const wal = readFileSync(`${path}-wal`);
  if (wal.length === 0) return 0;
  const frame = 24 + wal.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frame <= wal.length; at += frame) if (wal.readUInt32BE(at + 4) !== 0) commits += 1;
  return commits;
}

test('when 100 writes come at once, they share one commit; 300 share three', async (t) => {
  for (const [count, commits] of [
    [100, 1],
    [300, 3],
  ] as const) {
    const { db, path, stored } = await watched(t);
    const before = commitsIn(path);
    await Promise.all(upTo(count).map((name) => write(db, (trx) => put(trx, name))));
    assert.equal(commitsIn(path) - before, commits);
    assert.deepEqual(stored(), upTo(count));
  }
});

test('when writes come with other work of the same turn, they share its commit all the same', async (t) => {
  const { db, path } = await watched(t, { gather: true });
  const before = commitsIn(path);
  const { promise, resolve } = Promise.withResolvers<void>();
  const writes: Promise<unknown>[] = [];
  // Each call back is a piece of work of its own, as messages of several sockets are: what waits for promises is done in between.
  for (const name of upTo(10))
    setImmediate(() => {
      writes.push(write(db, (trx) => put(trx, name)));
      if (writes.length === 10) resolve();
    });
  await promise;
  await Promise.all(writes);
  assert.equal(commitsIn(path) - before, 1);
});

test('when a write is answered or told of, it is on disk; before, nobody else sees it', async (t) => {
  const { db, stored } = await watched(t);
  const seen: string[][] = [];
  await Promise.all(
    upTo(20).map(async (name) => {
      await write(db, async (trx) => {
        await put(trx, name);
        assert.deepEqual(stored(), []);
        afterCommit(trx, () => seen.push(stored()));
      });
      assert.deepEqual(stored(), upTo(20));
    }),
  );
  assert.deepEqual(seen, Array(20).fill(upTo(20)));
});

test('when one of a commit fails, it alone is taken back, and hears of it when the others do', async (t) => {
  const { db, stored } = await watched(t);
  const told: string[] = [];
  const outcomes = await Promise.all(
    upTo(9).map(async (name, n) => {
      try {
        await write(db, async (trx) => {
          await put(trx, name);
          afterCommit(trx, () => told.push(name));
          if (n % 3 === 1) throw new RangeError(name);
        });
        return 'kept';
      } catch (error) {
        assert.ok(error instanceof RangeError);
        assert.equal(stored().length, 6, 'the answer rests on what others wrote, so it waits for the commit too');
        return 'failed';
      }
    }),
  );
  const kept = upTo(9).filter((_, n) => n % 3 !== 1);
  assert.deepEqual(
    outcomes,
    upTo(9).map((_, n) => (n % 3 === 1 ? 'failed' : 'kept')),
  );
  assert.deepEqual([stored(), told], [kept, kept]);
});

test('T22: when a write fails after its audit entry, the chain goes on as if there had been none', async (t) => {
  const { db } = await watched(t);
  const numbers = await Promise.allSettled(
    upTo(50).map((why, n) =>
      write(db, async (trx) => {
        const entry = { event: 'server.disconnected', at: n, who: whoIs('system'), details: { why } } as const;
        const first = await appendEntry(trx, entry);
        const second = await appendEntry(trx, entry);
        assert.equal(second, first + 1);
        if (n % 4 === 2) throw new Error('no');
        return second;
      }),
    ),
  );
  const kept = numbers.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
  assert.deepEqual(
    kept,
    Array.from({ length: 38 }, (_, n) => 2 * n + 2),
  );
  const verdict = await verifyLedger({ db, publicKey: makeSigningKey().publicKey });
  assert.deepEqual([verdict.ok, verdict.entries, verdict.problems], [true, 76, []]);
});

test('T22: when another process appends between two commits, the chain goes on from there', async (t) => {
  const { db, path } = await watched(t);
  const second = await tempDatabase(t, { path });
  const entry = { event: 'server.disconnected', at: 1, who: whoIs('system') } as const;
  for (let n = 1; n <= 6; n += 1)
    assert.equal(await write(n % 2 ? db : second.db, (trx) => appendEntry(trx, entry)), n);
});

test('F10: when the commit fails, all of it fail, nothing is told, and the next commit is none the worse', async (t) => {
  const { db, stored } = await watched(t);
  const told: string[] = [];
  const breaks = async (trx: Trx) => {
    await sql`pragma defer_foreign_keys = on`.execute(trx);
    await trx.insertInto('enrolment_step').values({ server_id: 'srv_0', step: 'ready', at: 1, note: '' }).execute();
  };
  const outcomes = await Promise.allSettled(
    upTo(5).map((name, n) =>
      write(db, async (trx) => {
        await put(trx, name);
        afterCommit(trx, () => told.push(name));
        if (n === 1) throw new RangeError('its own');
        if (n === 2) await breaks(trx);
      }),
    ),
  );
  for (const it of outcomes) assert.match(it.status === 'rejected' ? String(it.reason) : it.status, /FOREIGN KEY/);
  assert.deepEqual([stored(), told], [[], []]);
  await write(db, (trx) => put(trx, 'after'));
  assert.deepEqual(stored(), ['after']);
});

test('F10: when the failure of one ends the whole transaction, those before it fail with it, and those after it are kept', async (t) => {
  const { db, stored } = await watched(t);
  const outcomes = await Promise.allSettled(
    upTo(5).map((name, n) =>
      write(db, async (trx) => {
        await put(trx, name);
        if (n !== 3) return;
        await sql`rollback`.execute(trx); // as SQLite itself may when the disk is full
        throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      }),
    ),
  );
  assert.deepEqual(stored(), ['004']);
  const codes = outcomes.map((it) =>
    it.status === 'rejected' && it.reason instanceof Fault ? it.reason.code : 'kept',
  );
  assert.deepEqual(codes, [...Array(4).fill('storage_unwritable'), 'kept']);
});

test('when the first of a commit fails after it wrote, or ends the whole transaction, nothing of it stays, and the others are kept', async (t) => {
  for (const ends of [false, true]) {
    const { db, stored } = await watched(t);
    const told: string[] = [];
    const outcomes = await Promise.allSettled(
      upTo(4).map((name, n) =>
        write(db, async (trx) => {
          await put(trx, name);
          afterCommit(trx, () => told.push(name));
          if (n > 1) return;
          if (ends) await sql`rollback`.execute(trx); // as SQLite itself may
          throw new RangeError(name);
        }),
      ),
    );
    assert.deepEqual([stored(), told], [upTo(4).slice(2), upTo(4).slice(2)]);
    const why = outcomes.map((it) => (it.status === 'rejected' ? String(it.reason) : 'kept'));
    assert.deepEqual(why, ['RangeError: 000', 'RangeError: 001', 'kept', 'kept']);
  }
});

test('F10: when the disk has no room for one of them, whoever is answered well is stored, and the next commit is none the worse', async (t) => {
  const { db, stored } = await watched(t);
  const pages = await sql<{ page_count: number }>`pragma page_count`.execute(db);
  await sql`pragma max_page_count = ${sql.lit((pages.rows[0]?.page_count ?? 0) + 4)}`.execute(db);
  const outcomes = await Promise.allSettled(
    ['before', 'l'.repeat(1_000_000), 'next'].map((name) => write(db, (trx) => put(trx, name))),
  );
  const codes = outcomes.map((it) =>
    it.status === 'rejected' && it.reason instanceof Fault ? it.reason.code : 'kept',
  );
  // SQLite takes back the whole transaction when it finds no room.
  assert.deepEqual(codes, ['storage_unwritable', 'storage_unwritable', 'kept']);
  assert.deepEqual(stored(), ['next']);
});

test('when a write has ended, its transaction is good for nothing, so that what it left running falls into no other', async (t) => {
  const { db, stored } = await watched(t);
  let left: Trx | undefined;
  await write(db, async (trx) => {
    left = trx;
  });
  await assert.rejects(put(left ?? assert.fail(), 'late'), /has ended/);
  const writes = [
    write(db, async (trx) => {
      await put(trx, 'a');
      left = trx;
    }),
    write(db, async (trx) => {
      await assert.rejects(put(left ?? assert.fail(), 'late'), /has ended/);
      await put(trx, 'b');
    }),
  ];
  await Promise.all(writes);
  assert.deepEqual(stored(), ['a', 'b']);
});

test('when code inside a write writes with another, it is told so rather than waiting for ever', async (t) => {
  const { db } = await watched(t);
  await assert.rejects(
    write(db, () => write(db, (trx) => put(trx, 'a'))),
    /would wait for itself/,
  );
});

test('when somebody reads in the midst of a write, whether by a compiled query or not, they see all of it or nothing', async (t) => {
  const count = prepared<object, { size: number }>((on) =>
    on.selectFrom('setting').select((q) => q.fn.countAll<number>().as('size')),
  );
  for (const fails of [false, true]) {
    const { db } = await watched(t);
    const [half, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const writing = write(db, async (trx) => {
      await put(trx, 'a');
      half.resolve();
      await asked.promise;
      await put(trx, 'b');
      if (fails) throw new RangeError('no');
    });
    await half.promise;
    const reads = [count(db, {}).then(({ rows }) => rows[0]?.size), sizeOf(db)];
    asked.resolve();
    await writing.catch(() => assert.ok(fails));
    assert.deepEqual(await Promise.all(reads), fails ? [0, 0] : [2, 2]);
  }
});

test('when reads come between many writes, they see whole commits and need not wait for all of them', async (t) => {
  const { db } = await watched(t);
  const done: string[] = [];
  const writes = upTo(500).map((name) => write(db, (trx) => put(trx, name)).then(() => done.push(name)));
  await writes[0];
  const size = await sizeOf(db);
  assert.ok(size >= 128 && size < 500, `${size} of 500`);
  assert.equal(size % 128, 0);
  await Promise.all(writes);
});
