import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Fault } from '@countersign/protocol';
import { openPolicy } from '../../src/policy/policy-book.ts';
import { manualClock } from '../actions/manual-clock.ts';
import { tempDatabase, tempFolder } from '../storage/temp-database.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const rules = (text: string) => `format: countersign-policy/1\nrules:\n${text}`;

async function book(t: TestContext, text?: string) {
  const { db } = await tempDatabase(t);
  const path = join(await tempFolder(t), 'policy.yaml');
  if (text !== undefined) await writeFile(path, text);
  const opened = await openPolicy({ db, clock: manualClock(), log }, { path });
  const recorded = async () =>
    (await db.selectFrom('audit_entry').select('event').orderBy('seq').execute()).map(({ event }) => event);
  return { path, opened, recorded };
}

test('when there is no file, the built-in policy is in force', async (t) => {
  const { opened, recorded } = await book(t);
  const { source, policy } = await opened.current();
  assert.deepEqual([source, policy.rules.length], ['built in', 4]);
  assert.deepEqual(await recorded(), ['policy.loaded']);
});

test('when the file changes, the next question gets the new policy, and the change is recorded once', async (t) => {
  const { opened, path, recorded } = await book(t, rules('  - {name: one, allow: true}'));
  const before = await opened.current();
  await writeFile(path, rules('  - {name: two, deny: {reason: frozen}}'));
  const [a, b] = await Promise.all([opened.current(), opened.current()]);
  assert.deepEqual([before.policy.rules[0]?.name, a.policy.rules[0]?.name, b.sha256], ['one', 'two', a.sha256]);
  assert.notEqual(before.sha256, a.sha256);
  assert.deepEqual(await recorded(), ['policy.loaded', 'policy.loaded']);
});

test('when the file is spoilt later, the last good policy stays in force and the problem is told', async (t) => {
  const { opened, path, recorded } = await book(t, rules('  - {name: one, deny: {reason: frozen}}'));
  await writeFile(path, rules('  - {name: one, allow: maybe}'));
  const { policy, problems } = await opened.current();
  assert.equal(policy.rules[0]?.name, 'one');
  assert.match(problems[0] ?? '', /^line 3, column 17: rules\.0\.allow/);
  assert.deepEqual(await recorded(), ['policy.loaded', 'policy.rejected']);
});

test('when the file is spoilt from the start, every change is denied', async (t) => {
  const { opened } = await book(t, 'rules: {');
  const { policy, problems } = await opened.current();
  assert.equal(policy.rules[0]?.deny !== undefined, true);
  assert.ok(problems.length > 0);
});

test('when the file goes away, the built-in policy is in force again', async (t) => {
  const { opened, path } = await book(t, rules('  - {name: one, allow: true}'));
  await rm(path);
  assert.equal((await opened.current()).source, 'built in');
});

test('when the rules are replaced, the file holds them whole, for its owner alone, and they are in force at once', async (t) => {
  const { opened, path, recorded } = await book(t);
  const { sha256: before } = await opened.current();
  const next = await opened.replace(rules('  - {name: one, deny: {reason: frozen}}'), before);
  assert.equal(next.policy.rules[0]?.name, 'one');
  assert.equal((await opened.current()).sha256, next.sha256);
  assert.equal(await readFile(path, 'utf8'), next.yaml);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await recorded(), ['policy.loaded', 'policy.loaded']);
});

test('when two replace the same rules at once, one does, and what is no policy changes nothing', async (t) => {
  const { opened } = await book(t, rules('  - {name: one, allow: true}'));
  const { sha256: before } = await opened.current();
  const spoilt = opened.replace(rules('  - {name: two, allow: maybe}'), before);
  await assert.rejects(spoilt, (error) => error instanceof Fault && error.code === 'invalid_input');
  assert.equal((await opened.current()).sha256, before);
  const both = await Promise.allSettled(
    ['two', 'three'].map((name) => opened.replace(rules(`  - {name: ${name}, allow: true}`), before)),
  );
  assert.deepEqual(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.equal((await opened.current()).policy.rules[0]?.name, 'two');
});

test('when a folder lies where the file should be, every change is denied; when its place cannot be looked at, nothing opens', async (t) => {
  const folder = await tempFolder(t);
  const { db } = await tempDatabase(t);
  const opened = await openPolicy({ db, clock: manualClock(), log }, { path: folder });
  const { policy, problems } = await opened.current();
  assert.ok(policy.rules[0]?.deny);
  assert.match(problems[0] ?? '', /EISDIR/);
  const file = join(folder, 'file');
  await writeFile(file, '');
  await assert.rejects(openPolicy({ db, clock: manualClock(), log }, { path: join(file, 'policy.yaml') }), /ENOTDIR/);
});
