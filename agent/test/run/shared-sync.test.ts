/** What the journal promises when actions wait for the disk together: nobody goes on before its own lines are on it. */
import assert from 'node:assert/strict';
import fs, { existsSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { childProcesses } from '../../src/host/step-processes.ts';
import { Journal } from '../../src/run/journal.ts';
import { type Bed, command, draftOf, grantOf, makeBed, planOf, until, Watched } from './bed.ts';

type Done = (error: NodeJS.ErrnoException | null) => void;

/** A disk that answers a sync only when it is told to. `lost` is what it answers then. */
function slowDisk(t: TestContext) {
  const waiting: Done[] = [];
  const mocked = t.mock.method(fs, 'fdatasync', (_: number, done: Done) => waiting.push(done));
  syncBuiltinESMExports();
  t.after(() => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  });
  return {
    waiting,
    answer: (error: Error | null = null) => {
      for (const done of waiting.splice(0)) done(error);
    },
  };
}

/** A grant for a command that leaves a file. */
const toTouch = async (bed: Bed, name: string) =>
  grantOf(bed, await planOf(bed, draftOf([command('one', '/usr/bin/touch', join(bed.folder, name))])));

test('F3: when the disk has not answered yet, no step begins and nothing is told; what came meanwhile shares the next sync', async (t) => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const grants = await Promise.all(names.map((name) => toTouch(bed, name)));
  const disk = slowDisk(t);
  for (const signed of grants) watched.runner.accept(signed, 0);
  await until(
    () => grants.every(({ grant }) => watched.journal.find(grant.actionId)?.steps.length === 1),
    'all intents to be written',
  );
  assert.equal(disk.waiting.length, 1, 'one sync is under way for all');
  assert.deepEqual(
    names.filter((name) => existsSync(join(bed.folder, name))),
    [],
    'nothing is begun',
  );
  let syncs = 0;
  await until(() => {
    syncs += disk.waiting.length;
    disk.answer();
    return grants.every(({ grant }) => watched.reports(grant.actionId).some(({ kind }) => kind === 'finished'));
  }, 'all ends to be told');
  assert.deepEqual(
    names.filter((name) => existsSync(join(bed.folder, name))),
    names,
  );
  assert.ok(syncs < 2 * names.length, `${syncs} syncs for ${names.length} actions`);
});

test('F3: when an end is written and not durable, a link that attaches is told of it only after it is', async (t) => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = await toTouch(bed, 'a');
  const { actionId } = signed.grant;
  const disk = slowDisk(t);
  const sync = t.mock.method(fs, 'fdatasyncSync');
  syncBuiltinESMExports();
  watched.runner.accept(signed, 0);
  await until(() => disk.waiting.length === 1, 'the sync of the intent');
  disk.answer();
  await until(
    () => watched.journal.find(actionId)?.result != null && disk.waiting.length === 1,
    'the result to be written',
  );
  assert.deepEqual(
    watched.reports(actionId).filter(({ kind }) => kind === 'finished'),
    [],
  );
  const before = sync.mock.callCount();
  watched.runner.attach((message) => {
    if (message.type === 'report') assert.equal(sync.mock.callCount(), before + 1, 'synced before it is told');
  })();
  assert.equal(sync.mock.callCount(), before + 1);
  disk.answer();
  await watched.ending(actionId);
});

test('F10: when the disk loses what was written, no step begins, nothing is undone, and the next runner finds none of it', async (t) => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const lines = watched.journal.lines;
  const signed = await toTouch(bed, 'a');
  const disk = slowDisk(t);
  watched.runner.accept(signed, 0);
  await until(() => disk.waiting.length === 1, 'the sync of the intent');
  disk.answer(Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'fdatasync' }));
  const ending = await watched.ending(signed.grant.actionId);
  assert.equal(ending.kind, 'finished');
  assert.deepEqual(
    ending.kind === 'finished' && [ending.result.outcome, ending.result.undo.state, ending.result.steps[0]?.state],
    ['failed', 'not_needed', 'failed'],
  );
  assert.match(JSON.stringify(ending), /It was not begun: .*EIO/);
  assert.equal(existsSync(join(bed.folder, 'a')), false);
  assert.match(watched.journal.broken ?? '', /EIO/);
  assert.throws(() => watched.journal.append({ kind: 'stop_asked', actionId: signed.grant.actionId }), {
    code: 'journal_unwritable',
  });
  const next = Journal.open(bed.ports.stateDir, systemClock);
  assert.deepEqual([next.broken, next.lines, next.find(signed.grant.actionId)], [null, lines, undefined]);
  next.close();
});

const EIO = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'fdatasync' });

for (const isReadOnly of [false, true])
  test(`F10: when the disk loses what was written${isReadOnly ? ' and has become read-only' : ''}, no action that waits for a later sync goes on either`, async (t) => {
    using bed = makeBed();
    await using watched = new Watched(bed);
    const lines = watched.journal.lines;
    const first = await toTouch(bed, 'a');
    const second = await toTouch(bed, 'b');
    const disk = slowDisk(t);
    if (isReadOnly) {
      const mocked = t.mock.method(fs, 'ftruncateSync', () => {
        throw Object.assign(new Error('EROFS: read-only'), { code: 'EROFS', syscall: 'ftruncate' });
      });
      syncBuiltinESMExports();
      t.after(() => {
        mocked.mock.restore();
        syncBuiltinESMExports();
      });
    }
    watched.runner.accept(first, 0);
    await until(() => disk.waiting.length === 1, 'the sync of the first intent');
    watched.runner.accept(second, 0);
    await until(() => watched.journal.find(second.grant.actionId)?.steps.length === 1, 'the second intent');
    disk.answer(EIO());
    await until(() => {
      disk.answer(); // as a disk does that has told of an error once
      return watched.runner.running === 0;
    }, 'both to end');
    for (const { grant } of [first, second]) {
      assert.match(JSON.stringify(watched.reports(grant.actionId)), /It was not begun/);
      assert.equal(watched.journal.find(grant.actionId), undefined);
    }
    assert.deepEqual([existsSync(join(bed.folder, 'a')), existsSync(join(bed.folder, 'b'))], [false, false]);
    assert.equal(watched.journal.lines, lines);
    assert.notEqual(watched.journal.broken, null);
  });

test('F10: when the disk loses the end of an action, its processes are not let go of, so that the next runner finds them', async (t) => {
  using bed = makeBed();
  const forgotten: string[] = [];
  const { clock } = bed;
  const processes = (_: string, step: string) => ({
    ...childProcesses({ clock }),
    forget: async () => void forgotten.push(step),
  });
  await using watched = new Watched(bed, { processes });
  const disk = slowDisk(t);
  const ends = async (error: Error | null) => {
    const { grant, ...signed } = await toTouch(bed, error === null ? 'a' : 'b');
    watched.runner.accept({ grant, ...signed }, 0);
    await until(() => disk.waiting.length === 1, 'the sync of the intent');
    disk.answer();
    await until(() => watched.journal.find(grant.actionId)?.result != null, 'the result to be written');
    disk.answer(error);
    await until(() => watched.runner.running === 0, 'the end');
    return watched.journal.find(grant.actionId)?.steps.map(({ outcome }) => outcome?.state ?? null);
  };
  assert.deepEqual([await ends(null), forgotten], [['done'], ['one']]);
  assert.deepEqual([await ends(EIO()), forgotten], [[null], ['one']]);
});

test('F10: when the sync of one entry fails, what waited for the disk before it counts as lost too', async (t) => {
  using bed = makeBed();
  const journal = Journal.open(bed.ports.stateDir, systemClock);
  t.after(() => journal.close());
  const entry = (number: number) => ({ kind: 'stop_asked', actionId: `act_00000000000${number}` }) as const;
  const disk = slowDisk(t);
  journal.append(entry(1), { sync: false });
  const waiting = journal.durable();
  const sync = t.mock.method(fs, 'fdatasyncSync', () => {
    throw EIO();
  });
  syncBuiltinESMExports();
  assert.throws(() => journal.append(entry(2)), { code: 'journal_unwritable', message: /EIO/ });
  sync.mock.restore();
  syncBuiltinESMExports();
  disk.answer(); // the error was told already
  await assert.rejects(waiting, { code: 'journal_unwritable' });
  await assert.rejects(journal.durable(), { code: 'journal_unwritable' });
  assert.deepEqual([journal.lines, /EIO/.test(journal.broken ?? '')], [0, true]);
});
