import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LockState, SignedLockChange } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { followChange } from '@countersign/protocol/follow-lock';
import { type Approver, approver, changeOf, lockOf } from '../../../protocol/test/approvers.ts';
import { SettingsProblem } from '../../src/host/yaml.ts';
import { defaultPolicy } from '../../src/run/local-policy.ts';
import { LockBook } from '../../src/run/lock-book.ts';
import { command, draftOf, grantOf, makeBed, planOf, Watched } from './bed.ts';
import { signedApproval } from './locked.ts';

const RECOVERY = 'clr_0123456789abcdefghij';
const ada = approver('Ada');
const pin = lockOf([ada], {}, { recovery: sha256(RECOVERY) });

/** A pinned state and changes of it, one new holder each. */
function chainOf(first: LockState, names: readonly string[], by: Approver = ada) {
  const changes: SignedLockChange[] = [];
  const states = [first];
  for (const name of names) {
    const before = states.at(-1) ?? first;
    changes.push(changeOf(before, { kind: 'add', key: { key: approver(name).key, holder: name } }, [by]));
    states.push(followChange(before, changes.at(-1) as SignedLockChange));
  }
  return { states, changes };
}

const { states, changes } = chainOf(pin, ['B', 'C', 'D', 'E']);

function bookOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-book-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'runner/lock-changes.ndjson');
  return { file, open: () => new LockBook(join(folder, 'runner')) };
}

const at = (book: LockBook, lock: LockState | null) => book.follow({ ...defaultPolicy, lock }).lock;

test('when nothing was followed yet, the pin is the lock, and no pin is none', (t) => {
  const { open, file } = bookOf(t);
  assert.deepEqual(at(open(), pin), pin);
  assert.equal(at(open(), null), null);
  assert.equal(open().take(null, changes)?.code, 'lock_missing');
  assert.equal(existsSync(file), false, 'looking writes nothing');
});

test('when changes come in order, at once or one by one, in one process or several, they lead to the same state', (t) => {
  const { open } = bookOf(t);
  const first = open();
  assert.equal(first.take(pin, changes.slice(0, 2)), null);
  assert.deepEqual(at(first, pin), states[2]);
  const second = open();
  assert.deepEqual(at(second, pin), states[2]);
  assert.equal(second.take(pin, changes), null, 'what is followed already is passed over');
  assert.deepEqual(at(second, pin), states[4]);
  assert.deepEqual(at(first, pin), states[4], 'the file is looked at each time');
});

test('T1: when a change is missing, forged, of another lock or out of order, the lock is led on as far as it fits and no further', (t) => {
  const { open } = bookOf(t);
  const book = open();
  const [one, two, three] = changes as [SignedLockChange, SignedLockChange, SignedLockChange];
  assert.match(book.take(pin, [two])?.message ?? '', /another state/);
  assert.deepEqual(at(book, pin), pin);
  const mallory = approver('Mallory');
  const forged = changeOf(pin, { kind: 'add', key: { key: mallory.key, holder: 'Mallory' } }, [mallory]);
  assert.match(book.take(pin, [forged])?.message ?? '', /0 of 1/);
  assert.match(book.take(pin, [one, three, two])?.message ?? '', /another state/);
  assert.deepEqual(at(book, pin), states[1], 'the first one fitted');
  const twin = chainOf({ ...pin, chain: 'lck_00000000000x' }, ['X']);
  assert.match(book.take(pin, twin.changes)?.message ?? '', /another state/);
  const fork = chainOf(pin, ['F']);
  assert.match(book.take(pin, fork.changes)?.message ?? '', /another state/);
  assert.deepEqual(at(open(), pin), states[1]);
});

test('T1: when the pin is a state further on, earlier changes are not needed; when it is an earlier one, nothing goes back', (t) => {
  const { open } = bookOf(t);
  const book = open();
  const [, , third] = states as [LockState, LockState, LockState];
  assert.equal(book.take(pin, changes.slice(0, 3)), null);
  assert.deepEqual(at(book, third), states[3], 'a pin that equals a state on the chain');
  assert.deepEqual(at(book, pin), states[3]);
  const later = bookOf(t).open();
  assert.match(later.take(third, changes.slice(0, 1))?.message ?? '', /another state/);
  assert.equal(later.take(third, changes.slice(2)), null);
  assert.deepEqual(at(later, third), states[4]);
});

test('when the owner pins another lock and then the first one again, each goes on from where it was', (t) => {
  const { open } = bookOf(t);
  const book = open();
  const other = chainOf(lockOf([ada], {}, { chain: 'lck_00000000000x' }), ['X', 'Y']);
  const [otherPin] = other.states as [LockState];
  book.take(pin, changes.slice(0, 2));
  assert.deepEqual(at(book, otherPin), otherPin);
  assert.equal(book.take(otherPin, other.changes), null);
  assert.deepEqual(at(book, pin), states[2]);
  assert.equal(book.take(pin, changes), null);
  assert.deepEqual([at(open(), pin), at(open(), otherPin)], [states[4], other.states[2]]);
});

test('when two chains meet in one state, a change leads both on', (t) => {
  const { open } = bookOf(t);
  const book = open();
  const [, , third] = states as [LockState, LockState, LockState];
  book.take(third, changes.slice(2, 3));
  book.take(pin, changes.slice(0, 3));
  assert.equal(book.take(third, changes), null);
  assert.deepEqual([at(book, pin), at(book, third)], [states[4], states[4]]);
});

test('when the lock is ended with its recovery secret, that is followed, and nothing after it', (t) => {
  const book = bookOf(t).open();
  const ended = changeOf(pin, { kind: 'disable', secret: RECOVERY }, []);
  assert.equal(book.take(pin, [ended]), null);
  assert.equal(at(book, pin)?.disabled, true);
  assert.match(book.take(pin, changes)?.message ?? '', /was ended/);
});

test('when a crash cut the last line off, wherever, the change before it is in force and the next one is taken', (t) => {
  const whole = bookOf(t);
  whole.open().take(pin, changes.slice(0, 2));
  const bytes = readFileSync(whole.file);
  const end = bytes.lastIndexOf('\n', bytes.length - 2) + 1;
  for (let length = end; length < bytes.length; length += 97) {
    const { file, open } = bookOf(t);
    open().take(pin, changes.slice(0, 1));
    writeFileSync(file, bytes.subarray(0, length));
    assert.deepEqual(at(open(), pin), states[1], `${length} bytes`);
    assert.equal(open().take(pin, changes), null);
    assert.deepEqual(at(open(), pin), states[4]);
  }
});

test('T1: when the file of changes was tampered with, it says in which line, and nothing is followed', (t) => {
  const { file, open } = bookOf(t);
  open().take(pin, changes);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const [first = '', second = '', third = '', ...rest] = lines;
  const cases: [string[], number][] = [
    [[second, third], 1],
    [[first, third, ...rest], 2],
    [[first, third, second, ...rest], 2],
    [[first, second, second, ...rest], 3],
    [[first, 'not JSON', ...rest], 2],
    [[first, '{"change":1}', ...rest], 2],
    [[first, '', second], 2],
    [[first, second.replace('"holder":"B"', '"holder":"Z"'), third], 2],
    [[first.replace('"low":1', '"low":2'), second], 2],
  ];
  for (const [bent, line] of cases) {
    writeFileSync(file, `${bent.join('\n')}\n`);
    assert.throws(
      () => at(open(), pin),
      (error) => {
        assert.ok(error instanceof SettingsProblem);
        assert.match(error.message, new RegExp(`^line ${line} of .*lock-changes.ndjson does not verify`));
        return true;
      },
    );
    assert.throws(() => open().take(pin, changes), SettingsProblem);
  }
});

test('when the file of changes cannot be read, the lock is not guessed', (t) => {
  const { file, open } = bookOf(t);
  open().take(pin, changes);
  rmSync(file);
  symlinkSync('/etc/hostname', file);
  assert.throws(() => at(open(), pin), /the lock cannot be followed: .*ELOOP/);
  rmSync(file);
  writeFileSync(file, Buffer.alloc(9 * 1024 * 1024, 10));
  assert.throws(() => at(open(), pin), /the lock cannot be followed: .*more than/);
});

test('T1: when the file of changes is tampered with under a running runner, changes are refused, reading goes on, and the reason is told', async () => {
  const lock = lockOf([ada]);
  using bed = makeBed(`mode: act\nmax_risk: critical\ncommands: true\nlock: ${JSON.stringify(lock)}\n`);
  await using watched = new Watched(bed);
  const plan = await planOf(bed, draftOf([command('one', 'true')]));
  const grant = () => grantOf(bed, plan, (digest) => ({ approvals: [signedApproval(ada, digest)] }));
  const first = grant();
  watched.runner.accept(first, 0);
  assert.equal((await watched.ending(first.grant.actionId)).kind, 'finished');
  const eve = approver('Eve');
  const added = changeOf(lock, { kind: 'add', key: { key: eve.key, holder: 'Eve' } }, [ada]);
  assert.equal(watched.runner.followLock([added]).policy.lock?.number, 1);
  appendFileSync(join(bed.ports.stateDir, 'lock-changes.ndjson'), '{"change":{}}\n');
  const second = grant();
  watched.runner.accept(second, 0);
  const report = await watched.ending(second.grant.actionId);
  assert.equal(report.kind === 'refused' && report.fault.code, 'server_policy_denies');
  assert.match(JSON.stringify(report), /line 3 of .*lock-changes.ndjson does not verify/);
  assert.match(watched.runner.about().policyProblem ?? '', /does not verify/);
  const reading = { capability: 'unit.state', parameters: { unit: 'a' }, timeoutMs: 1000 } as const;
  await watched.runner.observe(reading, new AbortController().signal);
});
