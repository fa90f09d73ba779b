import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
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
