import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { patternOf } from '@countersign/agent/capabilities/disk/session-roots';
import { sessionsPack } from '@countersign/agent/capabilities/disk/sessions-pack';
import { logTruncate } from '@countersign/agent/capabilities/logs/log-truncate';
import { emptyFile } from '@countersign/agent/host/cut-file';
import { identityOf } from '@countersign/agent/host/files';
import { type Clock, systemClock } from '@countersign/protocol';
import { journaled, Place } from './context.ts';

const DAYS_AGO = new Date(Date.now() - 3 * 86_400_000);

function old(path: string, content = 'user'): void {
  writeFileSync(path, content, { mode: 0o600 });
  utimesSync(path, DAYS_AGO, DAYS_AGO);
}

const asked = (place: Place, more: object = {}) => ({
  root: place.root,
  pattern: 'sess_*',
  older_than: '24h',
  max_files: 100,
  ...more,
});

test('when old sessions are packed, only those that are meant are gone, and undo brings them back as they were', async () => {
  using place = new Place();
  mkdirSync(place.at('deep'));
  for (const name of ['sess_1', 'deep/sess_2', 'other', 'sess_linked']) old(place.at(name), `of ${name}`);
  linkSync(place.at('sess_linked'), place.at('twin'));
  writeFileSync(place.at('sess_young'), 'young');
  const context = place.change({ rules: { tmpRoots: [place.root] } });
  const memory = journaled(await sessionsPack.remember?.(asked(place), context));
  const done = await sessionsPack.perform(asked(place), memory, context);
  assert.equal(done.summary, '2 files with 23 bytes packed away.');
  assert.deepEqual(readdirSync(place.root).sort(), ['deep', 'other', 'sess_linked', 'sess_young', 'twin']);
  assert.deepEqual((await sessionsPack.recover?.(asked(place), memory, context))?.changed, true);
  const undone = await sessionsPack.undo?.(asked(place), memory, context);
  assert.equal(undone?.summary, '2 files unpacked.');
  assert.equal(readFileSync(place.at('deep/sess_2'), 'utf8'), 'of deep/sess_2');
  const { mode, mtimeMs } = statSync(place.at('sess_1'));
  assert.deepEqual([mode & 0o777, Math.round(mtimeMs / 1000)], [0o600, Math.round(DAYS_AGO.getTime() / 1000)]);
});

test('when the place of a packed session is taken, undo leaves what is there now', async () => {
  using place = new Place();
  old(place.at('sess_1'));
  const context = place.change({ rules: { tmpRoots: [place.root] } });
  const memory = journaled(await sessionsPack.remember?.(asked(place), context));
  await sessionsPack.perform(asked(place), memory, context);
  writeFileSync(place.at('sess_1'), 'new user');
  const undone = await sessionsPack.undo?.(asked(place), memory, context);
  assert.equal(undone?.exit_code, null);
  assert.equal(readFileSync(place.at('sess_1'), 'utf8'), 'new user');
});

test('when sessions are written to while others are packed, nothing of what was written is lost', async () => {
  using place = new Place();
  const names = Array.from({ length: 550 }, (_, index) => `sess_${index}`);
  for (const name of names) old(place.at(name));
  let written: string[] = [];
  // The packing lets go for a moment now and then; that is when the sessions are written to.
  const after: Clock['after'] = (ms, call) => {
    if (written.length === 0) {
      written = readdirSync(place.root);
      for (const name of written) old(place.at(name), 'user, and a basket');
    }
    return systemClock.after(ms, call);
  };
  const context = place.change({ rules: { tmpRoots: [place.root] }, clock: { ...systemClock, after } });
  const parameters = asked(place, { max_files: 1000 });
  const memory = journaled(await sessionsPack.remember?.(parameters, context));
  await sessionsPack.perform(parameters, memory, context);
  await sessionsPack.undo?.(parameters, memory, context);
  assert.ok(written.length > 0 && written.length < names.length);
  for (const name of written) assert.equal(readFileSync(place.at(name), 'utf8'), 'user, and a basket', name);
});

test('T15: when a stranger puts links among the sessions, nothing outside of the folder is packed or removed', async () => {
  using place = new Place();
  using outside = new Place();
  old(outside.at('sess_secret'), 'secret');
  symlinkSync(outside.root, place.at('folder'));
  symlinkSync(outside.at('sess_secret'), place.at('sess_link'));
  const context = place.change({ rules: { tmpRoots: [place.root] } });
  const memory = journaled(await sessionsPack.remember?.(asked(place), context));
  assert.equal((await sessionsPack.perform(asked(place), memory, context)).changed, false);
  assert.equal(readFileSync(outside.at('sess_secret'), 'utf8'), 'secret');
});

test('T15: when the folder of a packed session becomes a link, undo writes nothing through it', async () => {
  using place = new Place();
  using outside = new Place();
  mkdirSync(place.at('deep'));
  old(place.at('deep/sess_1'));
  const context = place.change({ rules: { tmpRoots: [place.root] } });
  const memory = journaled(await sessionsPack.remember?.(asked(place), context));
  await sessionsPack.perform(asked(place), memory, context);
  rmSync(place.at('deep'), { recursive: true });
  symlinkSync(outside.root, place.at('deep'));
  assert.equal((await sessionsPack.undo?.(asked(place), memory, context))?.exit_code, 1);
  assert.deepEqual(readdirSync(outside.root), []);
});

test('when a folder is not opened by the owner, its sessions are refused', async () => {
  using place = new Place();
  await assert.rejects(sessionsPack.preview(asked(place), place.observe()), { code: 'path_denied' });
});

test('when most names in a folder begin alike, the pattern is theirs', () => {
  using place = new Place();
  for (const name of ['sess_1', 'sess_2', 'README']) writeFileSync(place.at(name), '');
  assert.equal(patternOf(place.root), 'sess_*');
  rmSync(place.at('sess_2'));
  assert.equal(patternOf(place.root), '*');
});

test('when a log is emptied, its writer goes on and its end is kept; what is no such log is refused', async () => {
  using place = new Place();
  const path = place.at('shop.log');
  writeFileSync(path, `${'a line of the shop\n'.repeat(100_000)}the end\n`);
  const parameters = { path, keep_tail: '1M' } as const;
  const context = place.change();
  await assert.rejects(logTruncate.preview(parameters, context), /not open for writing in any process/);
  const script = 'exec 3>>"$1"; echo open; while read line; do echo "$line" >&3; echo ok; done';
  const writer = spawn('sh', ['-c', script, 'sh', path], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(writer.stdout, 'data');
    const { preview } = await logTruncate.preview(parameters, context);
    assert.match(preview.effects[0] ?? '', /is emptied while sh \(process \d+\) goes on writing/);
    const memory = journaled(await logTruncate.remember?.(parameters, context));
    await logTruncate.perform(parameters, memory, context);
    assert.equal(statSync(path).size, 0);
    writer.stdin.write('next\n');
    await once(writer.stdout, 'data');
    assert.equal(readFileSync(path, 'utf8'), 'next\n');
    const kept = readFileSync(`${place.stateDir}/backups/act_000000000000-step.bak`, 'utf8');
    assert.ok(kept.endsWith('the end\n') && kept.length < 1024 * 1024 + 1);
    await assert.rejects(logTruncate.preview(parameters, context), /takes .* only/);
  } finally {
    writer.stdin.end();
    await once(writer, 'close');
  }
  for (const name of ['wtmp', 'a.log.gz', 'system.journal']) {
    writeFileSync(place.at(name), 'x'.repeat(2_000_000));
    await assert.rejects(logTruncate.preview({ path: place.at(name), keep_tail: '1M' }, context), /is no log of lines/);
  }
});

test('T15: when another file has taken the place of a log, it is not emptied', () => {
  using place = new Place();
  writeFileSync(place.at('a.log'), 'first');
  const identity = identityOf(statSync(place.at('a.log')));
  writeFileSync(place.at('b.log'), 'other');
  assert.throws(() => emptyFile(place.at('b.log'), identity), { code: 'precondition_failed' });
  symlinkSync(place.at('a.log'), place.at('link.log'));
  assert.throws(() => emptyFile(place.at('link.log'), identity));
  assert.ok(existsSync(place.at('a.log')) && readFileSync(place.at('b.log'), 'utf8') === 'other');
});
