import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Fault, systemClock } from '@countersign/protocol';
import { Journal, readJournal } from '../../src/run/journal.ts';
import { NO_HEAD } from '../../src/run/journal-chain.ts';
import type { JournalEntry } from '../../src/run/journal-entries.ts';
import { command, draftOf, grantOf, makeBed, planOf } from './bed.ts';

const digest = 'a'.repeat(64);
const refused = (actionId: string): JournalEntry => ({
  kind: 'refused',
  actionId,
  digest,
  fault: { code: 'grant_expired', slots: {} },
});
const kept = (actionId: string): JournalEntry => ({ kind: 'kept', actionId, report: 'refused' });

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function withJournal<T>(folder: string, work: (journal: Journal) => T, rotateBytes?: number): T {
  const journal = Journal.open(folder, systemClock, rotateBytes);
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}

test('when a journal is opened again, it holds what was written and goes on from the same head', (t) => {
  const folder = folderOf(t);
  const head = withJournal(folder, (journal) => {
    assert.equal(journal.head, NO_HEAD);
    journal.append(refused('act_000000000001'));
    journal.append(kept('act_000000000001'));
    return journal.head;
  });
  withJournal(folder, (journal) => {
    assert.equal(journal.head, head);
    assert.deepEqual(journal.find('act_000000000001')?.kept, ['refused']);
    assert.equal(journal.find('act_000000000002'), undefined);
  });
});

test('when the last line was cut off by a crash, it is removed, whatever is left of it, and the rest stays', (t) => {
  const whole = folderOf(t);
  withJournal(whole, (journal) => {
    journal.append(refused('act_000000000001'));
    journal.append(refused('act_00000000000é'));
  });
  const bytes = readFileSync(join(whole, 'journal.ndjson'));
  const firstEnd = bytes.indexOf('\n') + 1;
  for (let length = firstEnd; length < bytes.length; length += 7) {
    const folder = folderOf(t);
    writeFileSync(join(folder, 'journal.ndjson'), bytes.subarray(0, length));
    withJournal(folder, (journal) => {
      assert.equal(journal.broken, null);
      assert.equal(journal.all().length, 1);
      journal.append(refused('act_000000000003'));
    });
    withJournal(folder, (journal) => {
      assert.equal(journal.broken, null);
      assert.equal(journal.all().length, 2);
    });
  }
});

test('when any byte before the last line was changed, the journal is broken there and takes nothing more', (t) => {
  const whole = folderOf(t);
  withJournal(whole, (journal) => {
    for (let index = 1; index <= 3; index += 1) journal.append(refused(`act_00000000000${index}`));
  });
  const bytes = readFileSync(join(whole, 'journal.ndjson'));
  for (let at = 0; at < bytes.length; at += 11) {
    const folder = folderOf(t);
    const changed = Buffer.from(bytes);
    changed[at] = changed[at] === 0x30 ? 0x31 : 0x30;
    writeFileSync(join(folder, 'journal.ndjson'), changed);
    withJournal(folder, (journal) => {
      if (bytes[at] === 0x0a && at === bytes.length - 1) return; // that is a torn end
      assert.match(journal.broken ?? '', /line \d of the journal does not verify/, `byte ${at}`);
      assert.throws(() => journal.append(refused('act_000000000009')), { code: 'journal_unwritable' });
    });
  }
});

test('when lines of a journal are deleted, swapped or repeated, it is broken', (t) => {
  const whole = folderOf(t);
  withJournal(whole, (journal) => {
    for (let index = 1; index <= 3; index += 1) journal.append(refused(`act_00000000000${index}`));
  });
  const [a = '', b = '', c = ''] = readFileSync(join(whole, 'journal.ndjson'), 'utf8').split('\n');
  for (const lines of [
    [b, c],
    [a, c],
    [b, a, c],
    [a, a, b, c],
    [a, '', b, c],
  ]) {
    const folder = folderOf(t);
    writeFileSync(join(folder, 'journal.ndjson'), `${lines.join('\n')}\n`);
    withJournal(folder, (journal) => assert.notEqual(journal.broken, null));
  }
});

test('when a journal is long and all of it is kept, it begins a new file that still knows every action and the head', (t) => {
  const folder = folderOf(t);
  const id = (index: number) => `act_${String(index).padStart(12, '0')}`;
  const before = withJournal(folder, (journal) => {
    for (let index = 0; index < 20; index += 1) {
      journal.append(refused(id(index)), { sync: false });
      journal.append(kept(id(index)), { sync: false });
    }
    return journal.head;
  });
  const first = readFileSync(join(folder, 'journal.ndjson'), 'utf8');
  withJournal(
    folder,
    (journal) => {
      assert.equal(journal.broken, null);
      assert.equal(journal.all().length, 20);
      assert.equal(journal.find(id(7))?.digest, digest);
      journal.append(refused(id(21)));
    },
    1000,
  );
  const files = readdirSync(folder).sort();
  assert.equal(files.length, 2);
  assert.equal(readFileSync(join(folder, files[0] ?? ''), 'utf8'), first, 'what was written stays as it is');
  const continued = JSON.parse(readFileSync(join(folder, 'journal.ndjson'), 'utf8').split('\n')[0] ?? '');
  assert.equal(continued.previous, before);
  assert.equal(continued.n, 40);
});

test('when a report is not kept yet, a long journal is not put aside', (t) => {
  const folder = folderOf(t);
  withJournal(folder, (journal) => journal.append(refused('act_000000000001')));
  withJournal(folder, (journal) => assert.equal(journal.all().length, 1), 10);
  assert.deepEqual(readdirSync(folder), ['journal.ndjson']);
});

test('when a crash came in the middle of putting a journal aside, the next start finishes it', (t) => {
  const folder = folderOf(t);
  withJournal(folder, (journal) => {
    journal.append(refused('act_000000000001'));
    journal.append(kept('act_000000000001'));
  });
  withJournal(folder, () => undefined, 10);
  // As if the last rename had not happened.
  execFileSync('mv', [join(folder, 'journal.ndjson'), join(folder, 'journal.next')]);
  withJournal(folder, (journal) => {
    assert.equal(journal.broken, null);
    assert.equal(journal.all().length, 1);
  });
});

test('when a crash came after the next file was written and before the old one was moved, the old one goes on', (t) => {
  const folder = folderOf(t);
  withJournal(folder, (journal) => journal.append(refused('act_000000000001')));
  writeFileSync(join(folder, 'journal.next'), 'half of what was to co');
  withJournal(folder, (journal) => {
    assert.equal(journal.broken, null);
    assert.equal(journal.all().length, 1);
  });
  assert.deepEqual(readdirSync(folder), ['journal.ndjson']);
});

test('when a journal was put aside many times, the last eight files stay and every action is still known', (t) => {
  const folder = folderOf(t);
  const id = (index: number) => `act_${String(index).padStart(12, '0')}`;
  for (let round = 0; round < 12; round += 1)
    withJournal(
      folder,
      (journal) => {
        journal.append(refused(id(round)));
        journal.append(kept(id(round)));
      },
      10,
    );
  assert.equal(readdirSync(folder).filter((name) => /^journal-\d{12}\.ndjson$/.test(name)).length, 8);
  withJournal(folder, (journal) => {
    assert.equal(journal.all().length, 12);
    assert.deepEqual([journal.find(id(0))?.ended, journal.lines], ['refused', 24 + 11]);
  });
});

test('when all that there is was cut off by a crash, the journal begins anew', (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'journal.ndjson'), '{"n":0,"at":17');
  withJournal(folder, (journal) => assert.deepEqual([journal.broken, journal.lines], [null, 0]));
  assert.equal(readFileSync(join(folder, 'journal.ndjson'), 'utf8'), '');
});

test('when an entry is about an action that was never seen, it is written and tells nothing', (t) => {
  const folder = folderOf(t);
  withJournal(folder, (journal) => journal.append({ kind: 'stop_asked', actionId: 'act_000000000001' }));
  withJournal(folder, (journal) => assert.deepEqual([journal.all(), journal.lines], [[], 1]));
});

test('when the file fails under an open journal, the entry is refused and not counted', (t) => {
  const journal = Journal.open(folderOf(t), systemClock);
  journal.close();
  assert.throws(() => journal.append(refused('act_000000000001')), { code: 'journal_unwritable', message: /EBADF/ });
  assert.deepEqual([journal.lines, journal.all()], [0, []]);
});

test('when who may not write only looks, nothing is made or mended, and a rotation in its middle is read', (t) => {
  const folder = folderOf(t);
  assert.deepEqual([readJournal(folder).lines, readdirSync(folder)], [0, []]);
  const head = withJournal(folder, (journal) => {
    journal.append(refused('act_000000000001'));
    return journal.head;
  });
  const file = join(folder, 'journal.ndjson');
  appendFileSync(file, '{"n":1');
  const { size } = statSync(file);
  assert.deepEqual([readJournal(folder).head, readJournal(folder).lines], [head, 1]);
  assert.equal(statSync(file).size, size);
  execFileSync('mv', [file, join(folder, 'journal.next')]);
  assert.equal(readJournal(folder).head, head);
  assert.deepEqual(readdirSync(folder), ['journal.next']);
});

test('F10: when the disk is full, no action begins, and one that runs can still write its end', async (t) => {
  const why = mayMount();
  if (why !== null) {
    if (process.env.COUNTERSIGN_REQUIRE_ALL === '1') assert.fail(why);
    t.skip(why);
    return;
  }
  using bed = makeBed();
  const disk = join(bed.folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    const journal = Journal.open(disk, systemClock);
    const signed = grantOf(bed, await planOf(bed, draftOf([command('one', 'true')])));
    const intent = (actionId: string): JournalEntry => ({
      kind: 'intent',
      actionId,
      digest,
      grant: signed,
      bootId: 'b',
    });
    journal.append(intent('act_000000000001'));
    fill(join(disk, 'filler'));
    journal.append({ kind: 'step_intent', actionId: 'act_000000000001', step: 'one', phase: 'run', memory: null });
    for (let index = 0; index < 200; index += 1) journal.append({ kind: 'stop_asked', actionId: 'act_000000000001' });
    fill(join(disk, 'filler'));
    assert.throws(
      () => journal.append(intent('act_000000000002')),
      (error) => error instanceof Fault && error.code === 'journal_unwritable',
    );
    journal.close();
    const again = Journal.open(disk, systemClock);
    assert.equal(again.broken, null);
    assert.equal(again.find('act_000000000002'), undefined);
    again.close();
    tearOnFullDisk(disk);
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const readOnly = Journal.open(disk, systemClock);
    assert.match(readOnly.broken ?? '', /EROFS/);
    assert.throws(() => readOnly.append(intent('act_000000000003')), { code: 'journal_unwritable' });
    readOnly.close();
  } finally {
    execFileSync('umount', ['-l', disk]);
  }
});

/** A torn line at the end of a page of a full disk: it can be cut off, and there is no room to note it. */
function tearOnFullDisk(disk: string): void {
  const folder = join(disk, 'torn');
  mkdirSync(folder);
  rmSync(join(disk, 'filler'));
  const file = join(folder, 'journal.ndjson');
  const sized = (bytes: number): JournalEntry => {
    const slots = { a: 'x'.repeat(bytes / 2), b: 'x'.repeat(bytes - Math.floor(bytes / 2)) };
    return { kind: 'refused', actionId: 'act_000000000001', digest, fault: { code: 'x', slots } };
  };
  withJournal(folder, (journal) => journal.append(sized(0)));
  const { size } = statSync(file);
  rmSync(file);
  withJournal(folder, (journal) => journal.append(sized(4090 - size)));
  assert.equal(statSync(file).size, 4090);
  appendFileSync(file, 'torn');
  fill(join(disk, 'filler'));
  withJournal(folder, (journal) => assert.deepEqual([journal.broken, journal.lines], [null, 1]));
  assert.equal(statSync(file).size, 4090);
}

function fill(file: string): void {
  const block = Buffer.alloc(4096, 1);
  try {
    for (;;) appendFileSync(file, block);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}

function mayMount(): string | null {
  if (process.getuid?.() !== 0) return 'needs root, to mount a small disk';
  const probe = mkdtempSync(join(tmpdir(), 'countersign-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'pipe' });
    execFileSync('umount', [probe], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `needs to mount a small disk: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}
