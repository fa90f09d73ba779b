import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault, transitions } from '@countersign/protocol';
import Sqlite from 'better-sqlite3';
import { afterCommit } from '../../src/storage/after-commit.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { addToTimeline } from '../../src/storage/timeline.ts';
import { write } from '../../src/storage/write.ts';
import { addServer } from './rows.ts';
import { tempDatabase, tempFolder } from './temp-database.ts';

const setting = (name: string) => ({ name, value: name });

test('when a database is opened again, it is as it was left and migrates nothing', async (t) => {
  const { db, path } = await tempDatabase(t);
  await write(db, (trx) =>
    trx
      .insertInto('setting')
      .values(setting('a'))
      .execute()
      .then(() => undefined),
  );
  const again = await openDatabase({ path });
  t.after(() => again.destroy());
  assert.deepEqual(await again.selectFrom('setting').selectAll().execute(), [setting('a')]);
});

test('when a database is made, nobody else on the machine can read it', async (t) => {
  const { path } = await tempDatabase(t, { path: join(await tempFolder(t), 'new.db') });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('when a commit returns, it is durable: WAL with synchronous FULL and foreign keys on', async (t) => {
  const { db, path } = await tempDatabase(t, { path: join(await tempFolder(t), 'new.db') });
  const other = new Sqlite(path, { readonly: true });
  t.after(() => other.close());
  assert.equal(other.pragma('journal_mode', { simple: true }), 'wal');
  await assert.rejects(
    write(db, (trx) =>
      trx.insertInto('enrolment_step').values({ server_id: 'srv_0', step: 'ready', at: 1, note: '' }).execute(),
    ),
    /FOREIGN KEY/,
  );
});

test('when the work of a write fails, nothing of it stays and nothing is told', async (t) => {
  const { db } = await tempDatabase(t);
  const told: string[] = [];
  await assert.rejects(
    write(db, async (trx) => {
      await trx.insertInto('setting').values(setting('a')).execute();
      afterCommit(trx, () => told.push('a'));
      throw new Error('no');
    }),
    /no/,
  );
  assert.deepEqual(await db.selectFrom('setting').selectAll().execute(), []);
  assert.deepEqual(told, []);
});

test('when writes come at once, they run one after the other and tell after their commit', async (t) => {
  const { db } = await tempDatabase(t);
  const told: number[] = [];
  await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      write(db, async (trx) => {
        const { size } = await trx
          .selectFrom('setting')
          .select((q) => q.fn.countAll<number>().as('size'))
          .executeTakeFirstOrThrow();
        await trx
          .insertInto('setting')
          .values(setting(`${size}`))
          .execute();
        afterCommit(trx, () => told.push(n));
      }),
    ),
  );
  assert.equal((await db.selectFrom('setting').selectAll().execute()).length, 50);
  assert.deepEqual(
    told,
    Array.from({ length: 50 }, (_, n) => n),
  );
});

test('when code inside a write asks the database instead of its transaction, it is told so rather than waiting for ever', async (t) => {
  const { db } = await tempDatabase(t);
  await assert.rejects(
    write(db, () => db.selectFrom('setting').selectAll().execute()),
    /would wait for itself/,
  );
  assert.deepEqual(await db.selectFrom('setting').selectAll().execute(), []);
});

test('when another process holds the lock for long, the write fails as storage_busy and can be tried again', async (t) => {
  const { db, path } = await tempDatabase(t);
  const other = new Sqlite(path);
  t.after(() => other.close());
  other.exec('begin immediate');
  const blocked = write(db, (trx) => trx.insertInto('setting').values(setting('a')).execute(), { attempts: 2 });
  await assert.rejects(blocked, (error) => error instanceof Fault && error.code === 'storage_busy');
  other.exec('rollback');
  await write(db, (trx) => trx.insertInto('setting').values(setting('a')).execute());
});

test('when the database is asked, it knows exactly the transitions of the lifecycle', async (t) => {
  const { db } = await tempDatabase(t);
  const rows = await db.selectFrom('action_transition').selectAll().execute();
  const text = (from: string, event: string, to: string) => `${from} ${event} ${to}`;
  const legal = new Set(transitions.map(({ from, event, to }) => text(from, event, to)));
  assert.deepEqual(rows.map((row) => text(row.from_state, row.event, row.to_state)).sort(), [...legal].sort());
});

test('when somebody changes or deletes an audit entry through this program, the database refuses', async (t) => {
  const { db } = await tempDatabase(t);
  await write(db, (trx) =>
    trx
      .insertInto('audit_entry')
      .values({ seq: 1, at: 1, event: 'x', server_id: null, action_id: null, person_id: null, body: '{}', hash: 'h' })
      .execute(),
  );
  await assert.rejects(db.updateTable('audit_entry').set({ body: '{"a":1}' }).execute(), /append-only/);
  await assert.rejects(db.deleteFrom('audit_entry').execute(), /append-only/);
});

test('when a server is revoked, its name is free again; before, it is taken', async (t) => {
  const { db } = await tempDatabase(t);
  await write(db, (trx) => addServer(trx, { id: 'srv_000000000001', name: 'web-1', state: 'revoked' }));
  await write(db, (trx) => addServer(trx, { id: 'srv_000000000002', name: 'web-1' }));
  await assert.rejects(
    write(db, (trx) => addServer(trx, { id: 'srv_000000000003', name: 'web-1' })),
    /UNIQUE/,
  );
});

test('when a line is added to the timeline, it names what it is about', async (t) => {
  const { db } = await tempDatabase(t);
  await write(db, (trx) => addToTimeline(trx, { at: 5, kind: 'note', title: 'Somebody looked', by: 'Ana' }));
  const [line] = await db.selectFrom('timeline_entry').selectAll().execute();
  assert.deepEqual(line, {
    id: 1,
    at: 5,
    kind: 'note',
    title: 'Somebody looked',
    server_id: null,
    action_id: null,
    alert_id: null,
    by: 'Ana',
  });
});

test('when a query binds values, none stands where SQLite would look at it and plan anew, and all arrive as they are', async (t) => {
  const { db } = await tempDatabase(t);
  const named = { name: 'a', value: '007' };
  await write(db, async (trx) => {
    await trx
      .insertInto('setting')
      .values([named, setting('b'), setting('c')])
      .execute();
  });
  const query = db.selectFrom('setting').selectAll().where('name', 'in', ['a', 'b', 'c']).orderBy('name');
  const page = query.limit(1).offset(1);
  assert.equal(
    page.compile().sql,
    'select * from "setting" where "name" in (+?, +?, +?) order by "name" limit +? + 0 offset +? + 0',
  );
  assert.deepEqual(await page.execute(), [setting('b')]);
  assert.deepEqual(await query.where('value', '=', '007').execute(), [named]); // text, not the number
  await assert.rejects(query.limit(1.5).execute()); // as a bare one does
});
