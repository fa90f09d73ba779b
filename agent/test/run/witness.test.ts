import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, Fault, signedWitnessSchema, type Witnessed } from '@countersign/protocol';
import { writeNote } from '@countersign/protocol/checkpoint-note';
import { sha256 } from '@countersign/protocol/digest';
import { makeSigningKey, verifyValue } from '@countersign/protocol/signing';
import { CheckpointBook, thinned } from '../../src/run/checkpoint-book.ts';
import { Journal, readJournal } from '../../src/run/journal.ts';
import { NO_HEAD } from '../../src/run/journal-chain.ts';
import { ServerWitness } from '../../src/run/witness.ts';
import { clockAt, command, draftOf, grantOf, makeBed, planOf, SERVER, Watched } from './bed.ts';

const controlPlane = makeSigningKey();
const headOf = (size: number) => sha256(`entry ${size}`);
const noteOf = (size: number, head = headOf(size), key = controlPlane) => writeNote({ size, head, at: 5 }, key);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-witness-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const emptyJournal = { head: NO_HEAD, lines: 0, broken: null, all: () => [] };

function witnessOf(folder: string, clock: Clock = clockAt()): ServerWitness {
  const { publicKey: controlPlaneKey } = controlPlane;
  return new ServerWitness({ folder, clock, serverId: SERVER.id, controlPlaneKey, journal: emptyJournal });
}

const sizes = (witness: ServerWitness) => witness.statement().witness.checkpoints.map(({ size }) => size);

test('T22: when a checkpoint is shown, it is kept on disk and countersigned with a key of the runner’s own', (t) => {
  const folder = folderOf(t);
  const witness = witnessOf(folder);
  assert.equal(witness.newest, null);
  const answer = witness.countersign(noteOf(7));
  assert.ok(answer.outcome === 'countersigned');
  const { outcome: _, signature, ...said } = answer;
  assert.deepEqual([said.serverId, said.size, said.head], [SERVER.id, 7, headOf(7)]);
  assert.equal(verifyValue('witness', said, signature, witness.key.publicKey), true);
  assert.equal(statSync(join(folder, 'witness-key.json')).mode & 0o777, 0o600);
  const later = witnessOf(folder);
  assert.equal(later.key.publicKey, witness.key.publicKey);
  assert.deepEqual(later.newest, { size: 7, head: headOf(7), at: said.at });
  const again = later.countersign(noteOf(7));
  assert.ok(again.outcome === 'countersigned' && again.at === said.at, 'the same one again is the same answer');
});

test('T22: when a checkpoint is smaller than the newest, it is fine only as one that is kept; another head of one size never is', (t) => {
  const witness = witnessOf(folderOf(t));
  for (const size of [5, 9, 12]) witness.countersign(noteOf(size));
  const refused = (note: string, kept: number) => {
    const answer = witness.countersign(note);
    assert.ok(answer.outcome === 'refused', note);
    assert.equal(answer.fault.code, 'checkpoint_contradicts');
    assert.deepEqual([answer.kept.size, answer.kept.head], [kept, headOf(kept)]);
  };
  assert.equal(witness.countersign(noteOf(9)).outcome, 'countersigned');
  refused(noteOf(10), 12);
  refused(noteOf(1), 12);
  refused(noteOf(12, sha256('fork')), 12);
  refused(noteOf(5, sha256('rewritten')), 5);
  assert.deepEqual(sizes(witness), [5, 9, 12]);
  assert.equal(witness.countersign(noteOf(13)).outcome, 'countersigned');
});

test('T1: when a note is not signed by the pinned control plane, or is none, nothing is kept', (t) => {
  const witness = witnessOf(folderOf(t));
  const good = noteOf(3);
  for (const note of [
    noteOf(3, headOf(3), makeSigningKey()),
    good.replace('\n3\n', '\n4\n'),
    good.slice(0, -1),
    '',
    'countersign/checkpoint/v1\n',
    noteOf(0),
    noteOf(Number.MAX_SAFE_INTEGER + 1),
  ])
    assert.throws(() => witness.countersign(note), { code: 'invalid_input' }, note);
  assert.equal(witness.newest, null);
});

test('F18: when a crash cut the last line of the checkpoints off, those before it are kept and the next is taken', (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'checkpoints.ndjson');
  for (const size of [1, 2]) witnessOf(folder).countersign(noteOf(size));
  appendFileSync(file, '{"at":1,"head":"ab');
  const witness = witnessOf(folder);
  assert.equal(witness.newest?.size, 2);
  witness.countersign(noteOf(3));
  assert.deepEqual(sizes(witnessOf(folder)), [1, 2, 3]);
});

test('F10: when the disk does not take a checkpoint, that is a fault with a name, and the next one is taken', (t) => {
  const folder = folderOf(t);
  const witness = witnessOf(folder);
  mkdirSync(join(folder, 'checkpoints.ndjson'));
  assert.throws(
    () => witness.countersign(noteOf(3)),
    (error) => error instanceof Fault && error.code === 'witness_unwritable',
  );
  rmSync(join(folder, 'checkpoints.ndjson'), { recursive: true });
  assert.equal(witness.countersign(noteOf(4)).outcome, 'countersigned');
});

test('when the file of checkpoints is damaged, what comes before it is told and nothing more is kept', (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'checkpoints.ndjson');
  for (const size of [1, 2, 3]) witnessOf(folder).countersign(noteOf(size));
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const bent of [
    [lines[0], '{}', lines[2], ''],
    [lines[0], 'x', ''],
    [lines[0], lines[0], ''],
    [lines[0], lines[2], lines[1], ''],
  ]) {
    writeFileSync(file, bent.join('\n'));
    const witness = witnessOf(folder);
    assert.throws(() => witness.countersign(noteOf(9)), /line \d of .* is damaged/);
    assert.equal(sizes(witness)[0], 1);
  }
  rmSync(file);
  const book = new CheckpointBook(join(folder, 'witness-key.json'), clockAt());
  assert.match(book.broken ?? '', /ENOTDIR/);
});

test('when checkpoints grow old, all of the last day stay, then one an hour, then one a day, and always the newest', () => {
  const minute = 60_000;
  const day = 24 * 60 * minute;
  const now = 100 * day;
  const all: Witnessed[] = [];
  for (let at = 0; at <= now; at += 10 * minute) all.push({ size: all.length + 1, head: headOf(0), at });
  const kept = thinned(all, now);
  const within = (from: number, to: number) => kept.filter(({ at }) => now - at >= from && now - at < to).length;
  assert.equal(within(0, day), 144);
  assert.ok(Math.abs(within(day, 30 * day) - 29 * 24) <= 1, 'one an hour');
  assert.equal(within(30 * day, 101 * day), 71);
  assert.deepEqual(thinned(kept, now), kept, 'thinning again takes nothing more');
  assert.deepEqual(kept.at(-1), all.at(-1));
  const [old] = all;
  assert.deepEqual(thinned([old as Witnessed], now), [old]);
});

test('T13: when a control plane floods a server with checkpoints, those of earlier days stay, and at most 3000 are kept', () => {
  const day = 24 * 3_600_000;
  const now = 5000 * day;
  const old = Array.from({ length: 60 }, (_, index) => ({
    size: index + 1,
    head: headOf(0),
    at: now - (90 - index) * day,
  }));
  const flood = Array.from({ length: 20_000 }, (_, index) => ({
    size: 100 + index,
    head: headOf(0),
    at: now - 20_000 + index,
  }));
  const kept = thinned([...old, ...flood], now);
  assert.deepEqual(kept.slice(0, 60), old);
  assert.deepEqual(kept.at(-1), flood.at(-1));
  assert.ok(kept.length < 70, `${kept.length}`);
  const daily = Array.from({ length: 4000 }, (_, index) => ({ size: index + 1, head: headOf(0), at: index * day }));
  assert.equal(thinned(daily, now).length, 3000);
});

test('when many checkpoints were kept, the file is written anew without those that were thinned out', (t) => {
  const folder = folderOf(t);
  const clock = clockAt(-400 * 24 * 3_600_000);
  const book = new CheckpointBook(folder, clock);
  for (let size = 1; size <= 1103; size += 1) {
    book.keep({ size, head: headOf(size) });
    if (size === 1100) clock.offsetMs = 0;
  }
  assert.deepEqual(
    book.all.map(({ size }) => size),
    [1100, 1101, 1102, 1103],
  );
  assert.ok(readFileSync(join(folder, 'checkpoints.ndjson'), 'utf8').split('\n').length < 10);
  assert.deepEqual(new CheckpointBook(folder, clock).all, book.all);
});

test('T22: when a server is asked to testify, it names every action of its journal with how it ended, also after a rotation', async () => {
  using bed = makeBed();
  const ids: string[] = [];
  {
    await using watched = new Watched(bed);
    const good = grantOf(bed, await planOf(bed, draftOf([command('one', 'true')])));
    const bad = grantOf(bed, await planOf(bed, draftOf([command('one', 'false')])));
    const late = grantOf(bed, good.grant.plan, { issuedAt: 1, expiresAt: 2 });
    for (const signed of [good, bad, late]) {
      watched.runner.accept(signed, 0);
      await watched.ending(signed.grant.actionId);
      ids.push(signed.grant.actionId);
      for (const report of ['started', 'finished', 'refused'] as const)
        watched.runner.kept(signed.grant.actionId, report);
    }
    watched.runner.countersign(writeNote({ size: 1, head: headOf(1), at: 5 }, bed.key));
    const { witness, signature } = signedWitnessSchema.parse(watched.runner.testify());
    assert.equal(verifyValue('witness', witness, signature, watched.runner.about().witnessKey ?? ''), true);
    assert.deepEqual(
      witness.journal.actions.map(({ action, state }) => [action, state]),
      [
        [ids[0], 'succeeded'],
        [ids[1], 'failed'],
        [ids[2], 'refused'],
      ],
    );
    assert.equal(witness.journal.actions[0]?.digest, good.grant.digest);
    assert.deepEqual([witness.journal.head, witness.journal.lines], [watched.journal.head, watched.journal.lines]);
    assert.deepEqual(watched.runner.about().witnessed, witness.checkpoints[0]);
    const seen = readJournal(bed.ports.stateDir);
    assert.deepEqual([seen.head, seen.lines, seen.broken], [watched.journal.head, watched.journal.lines, null]);
  }
  const before = readJournal(bed.ports.stateDir);
  Journal.open(bed.ports.stateDir, bed.clock, 10).close();
  const after = readJournal(bed.ports.stateDir);
  const witness = (journal: typeof after) =>
    new ServerWitness({
      folder: bed.ports.stateDir,
      clock: bed.clock,
      serverId: SERVER.id,
      controlPlaneKey: bed.key.publicKey,
      journal,
    }).statement().witness;
  assert.deepEqual(witness(after).journal.actions, witness(before).journal.actions);
  assert.equal(after.lines, before.lines + 1);
  appendFileSync(join(bed.ports.stateDir, 'journal.ndjson'), 'x\n');
  assert.match(witness(readJournal(bed.ports.stateDir)).journal.broken ?? '', /does not verify/);
});

test('when an action is under way, the statement says open', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([command('one', 'sleep', '60')])));
  watched.runner.accept(signed, 0);
  assert.deepEqual(
    watched.runner.testify().witness.journal.actions.map(({ state }) => state),
    ['open'],
  );
  watched.runner.stop(signed.grant.actionId);
});

test('when the key of the runner is damaged, it says so, and the runner works on without being a witness', async () => {
  using bed = makeBed();
  const file = join(bed.ports.stateDir, 'witness-key.json');
  const { publicKey } = makeSigningKey();
  for (const damaged of ['x', '{}', JSON.stringify({ publicKey, seed: makeSigningKey().seed })]) {
    writeFileSync(file, damaged, { mode: 0o600 });
    await using watched = new Watched(bed);
    assert.equal(watched.runner.about().witnessKey, null);
    assert.throws(() => watched.runner.testify(), /witness-key\.json is damaged; move it away/);
    assert.ok(bed.logged.some((line) => line.includes('witness.no_key')));
  }
});
