import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { changers } from '@countersign/agent/capabilities/index';
import { type Clock, changes, systemClock } from '@countersign/protocol';
import { journaled, Place } from './context.ts';

const clean = changers['tmp.clean'];
const DAY = 86_400_000;

function setUp(place: Place) {
  const make = (name: string, days: number, content = 'x'.repeat(5000)) => {
    mkdirSync(dirname(place.at(name)), { recursive: true });
    writeFileSync(place.at(name), content);
    const at = (Date.now() - days * DAY) / 1000;
    utimesSync(place.at(name), at, at);
  };
  const rules = { tmpRoots: [place.root] };
  const parameters = changes['tmp.clean'].parameters.parse({ root: place.root, older_than: '7d' });
  const change = (clock: Clock = systemClock, actionId = 'act_000000000000') => ({
    ...place.change({ rules, step: 'clean', clock }),
    actionId,
  });
  return { make, rules, parameters, change };
}

test('when old files are cleaned, they lie in quarantine, and the young, the open and the linked stay', async () => {
  using place = new Place();
  const { make, rules, parameters, change } = setUp(place);
  make('old', 10);
  make('deep/er/old', 10);
  make('young', 2);
  make('open', 10);
  make('systemd-private-1/tmp/old', 10);
  symlinkSync('/etc/passwd', place.at('link'));
  const held = openSync(place.at('open'), 'r');
  try {
    const { preview, witness } = await clean.preview(parameters, place.observe(rules));
    assert.match(preview.effects[0] ?? '', /^About 2 files with 16\.4 kB /);
    assert.equal(witness.length, 1);
    const memory = journaled(await clean.remember?.(parameters, change()));
    assert.match((await clean.perform(parameters, memory, change())).summary, /^2 files with 16\.4 kB moved/);
    assert.deepEqual(readdirSync(place.root).sort(), [
      '.countersign-quarantine',
      'deep',
      'link',
      'open',
      'systemd-private-1',
      'young',
    ]);
    assert.equal((await clean.recover?.(parameters, memory, change()))?.exit_code, null);

    assert.match((await clean.undo?.(parameters, memory, change()))?.summary ?? '', /^2 files moved back/);
    assert.equal(readFileSync(place.at('deep/er/old'), 'utf8').length, 5000);
    assert.ok(existsSync(place.at('old')));
  } finally {
    closeSync(held);
  }
});

test('when the place of a file is taken, its undo does not overwrite what is there now', async () => {
  using place = new Place();
  const { make, parameters, change } = setUp(place);
  make('old', 10);
  const memory = journaled(await clean.remember?.(parameters, change()));
  await clean.perform(parameters, memory, change());
  writeFileSync(place.at('old'), 'new one');
  assert.equal((await clean.undo?.(parameters, memory, change()))?.exit_code, 1);
  assert.equal(readFileSync(place.at('old'), 'utf8'), 'new one');
});

test('when a day has passed, the next run deletes what lies in quarantine', async () => {
  using place = new Place();
  const { make, parameters, change } = setUp(place);
  make('old', 10);
  await clean.perform(parameters, journaled(await clean.remember?.(parameters, change())), change());
  make('again', 10);
  const later = { ...systemClock, now: () => Date.now() + DAY + 1000 };
  const next = change(later, 'act_000000000001');
  const done = await clean.perform(parameters, journaled(await clean.remember?.(parameters, next)), next);
  assert.match(done.summary, /8\.2 kB of earlier runs were deleted/);
  assert.deepEqual(readdirSync(place.at('.countersign-quarantine')), ['act_000000000001-clean']);
});

test('when there are more old files than may be moved, the rest stays', async () => {
  using place = new Place();
  const { make, parameters, change } = setUp(place);
  for (let number = 0; number < 30; number += 1) make(`old-${number}`, 10, '');
  const few = { ...parameters, max_files: 10 };
  assert.match((await clean.preview(few, change())).preview.effects[2] ?? '', /There are more/);
  await clean.perform(few, journaled(await clean.remember?.(few, change())), change());
  assert.equal(readdirSync(place.root).length, 21);
});

test('when the root is not allowed, or strangers prepared its quarantine, nothing is moved', async () => {
  using place = new Place();
  const { make, parameters, change } = setUp(place);
  await assert.rejects(clean.preview({ ...parameters, root: '/etc' }, change()), { code: 'path_denied' });
  make('old', 10);
  mkdirSync(place.at('.countersign-quarantine'));
  chmodSync(place.at('.countersign-quarantine'), 0o777);
  await assert.rejects(clean.perform(parameters, journaled(await clean.remember?.(parameters, change())), change()), {
    code: 'precondition_failed',
  });
  assert.ok(existsSync(place.at('old')));
});

test('when the quarantine is a link laid by a stranger, nothing is moved through it', async () => {
  using place = new Place();
  using elsewhere = new Place();
  const { make, parameters, change } = setUp(place);
  make('old', 10);
  symlinkSync(elsewhere.root, place.at('.countersign-quarantine'));
  await assert.rejects(clean.perform(parameters, journaled(await clean.remember?.(parameters, change())), change()));
  assert.deepEqual(readdirSync(elsewhere.root), []);
  assert.ok(existsSync(place.at('old')));
});
