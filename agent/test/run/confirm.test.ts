/** The dead-man revert: what could lock everybody out is taken back by the server itself unless a human confirms. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fault, type PlanDraft, type PlanProbe, type SignedGrant } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { armAgain, Confirmation } from '../../src/run/confirm.ts';
import { Journal } from '../../src/run/journal.ts';
import type { JournalEntry } from '../../src/run/journal-entries.ts';
import { heldClock } from '../held-clock.ts';
import {
  type Bed,
  command,
  commandUntil,
  draftOf,
  grantOf,
  linesOf,
  makeBed,
  planOf,
  type Step,
  start,
  stop,
  until,
  Watched,
} from './bed.ts';
import { signedApproval } from './locked.ts';
import { RunnerProcess } from './runner-process.ts';

const LONG_MS = 3_600_000;

async function armedGrant(
  bed: Bed,
  steps: Step[],
  withinMs: number,
  given: Partial<PlanDraft> = {},
): Promise<SignedGrant> {
  const confirm = { within_ms: withinMs, because: 'it is a test' };
  return grantOf(bed, await planOf(bed, draftOf(steps, { confirm, risk: 'critical', ...given })));
}

const isActive = (unit: string, state = 'active'): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect: { active_state: { is: state } },
});

const askedFor = (watched: Watched, actionId: string) =>
  until(
    () =>
      watched.told.find(
        (message) => message.type === 'step' && message.actionId === actionId && message.phase === 'confirming',
      ),
    'the question for a confirmation',
  );

const kindsIn = (bed: Bed) =>
  linesOf(join(bed.ports.stateDir, 'journal.ndjson')).map((line) => JSON.parse(line).entry.kind as string);

test('when a human confirms in time, the action succeeds, the timer is disarmed, and nothing is taken back', async () => {
  using bed = makeBed();
  const timer: string[] = [];
  const deadMan = {
    arm: async (actionId: string, ms: number) => void timer.push(`arm ${actionId} ${ms} after ${kindsIn(bed).at(-1)}`),
    disarm: async (actionId: string) => void timer.push(`disarm ${actionId} after ${kindsIn(bed).at(-1)}`),
  };
  await using watched = new Watched(bed, { deadMan });
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS, {
    check: { probes: [isActive('a.service')], settle_ms: 0, stable_ms: 0 },
  });
  const { actionId } = grant.grant;
  watched.runner.accept(grant, 0);
  const step = await askedFor(watched, actionId);
  assert.ok(step.type === 'step' && step.until !== undefined);
  assert.ok(Math.abs(step.until - bed.clock.now() - LONG_MS) < 10_000);
  assert.deepEqual(watched.runner.about().running, [actionId]);
  watched.runner.confirm(actionId, []);
  const result = await watched.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state, result.check?.passed], ['succeeded', 'not_needed', true]);
  assert.match(result.summary, /A human confirmed/);
  await until(() => watched.runner.running === 0, 'the end');
  assert.deepEqual(kindsIn(bed).slice(0, 7), [
    'intent',
    'armed',
    'started',
    'step_intent',
    'step_result',
    'confirming',
    'confirmed',
  ]);
  assert.deepEqual(timer, [`arm ${actionId} ${LONG_MS} after armed`, `disarm ${actionId} after result`]);
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('when nobody confirms, everything is taken back once, in reverse, and the result says why', async () => {
  using bed = makeBed();
  const clock = heldClock(bed.clock, LONG_MS);
  await using watched = new Watched(bed, { clock });
  const grant = await armedGrant(bed, [start('one', 'a.service'), start('two', 'b.service')], LONG_MS);
  const { actionId } = grant.grant;
  watched.runner.accept(grant, 0);
  await askedFor(watched, actionId);
  clock.pass();
  const result = await watched.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done']);
  assert.match(result.summary, /^Nobody confirmed within 3600 s that the server can still be reached/);
  assert.deepEqual(bed.effects(), ['start a.service', 'start b.service', 'undo b.service', 'undo a.service']);
  watched.runner.confirm(actionId, []);
  await until(() => watched.reports(actionId).filter(({ kind }) => kind === 'finished').length > 1, 'the same answer');
  assert.equal(bed.effects().length, 4, 'a confirmation after the revert does nothing');
  assert.ok(!kindsIn(bed).includes('confirmed'));
});

test('when two people confirm, the second one changes nothing', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  watched.runner.accept(grant, 0);
  await askedFor(watched, actionId);
  watched.runner.confirm(actionId, []);
  watched.runner.confirm(actionId, []);
  assert.equal((await watched.result(actionId)).outcome, 'succeeded');
  assert.equal(kindsIn(bed).filter((kind) => kind === 'confirmed').length, 1);
});

test('when a confirmation comes before the steps are over, it does not count', async () => {
  using bed = makeBed();
  const clock = heldClock(bed.clock, LONG_MS);
  await using watched = new Watched(bed, { clock });
  const goOn = join(bed.folder, 'go-on');
  const waits = commandUntil('one', goOn);
  const grant = await armedGrant(bed, [waits, start('two', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  watched.runner.accept(grant, 0);
  await until(() => watched.told.some((message) => message.type === 'step'), 'the first step');
  watched.runner.confirm(actionId, []);
  assert.ok(bed.logged.some((line) => /confirmation\.refused.*steps are not over/.test(line)));
  writeFileSync(goOn, '');
  await askedFor(watched, actionId);
  clock.pass();
  const result = await watched.result(actionId);
  assert.equal(result.outcome, 'failed');
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('when the time is over in the middle of a step, the step is ended, no further one begins, and all is taken back', async () => {
  using bed = makeBed();
  const clock = heldClock(bed.clock, LONG_MS);
  await using watched = new Watched(bed, { clock });
  const begun = join(bed.folder, 'begun');
  const endless = command('two', 'sh', '-c', 'echo begun >"$0"; exec sleep 60', begun);
  const steps = [start('one', 'a.service'), endless, start('three', 'b.service')];
  const grant = await armedGrant(bed, steps, LONG_MS);
  watched.runner.accept(grant, 0);
  await until(() => linesOf(begun).length === 1, 'the second step');
  clock.pass();
  const result = await watched.result(grant.grant.actionId);
  assert.deepEqual(
    [result.outcome, ...result.steps.map(({ state }) => state)],
    ['failed', 'done', 'failed', 'skipped'],
  );
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('when the check fails, nobody is asked and all is taken back at once', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const check = { probes: [isActive('a.service', 'other')], settle_ms: 0, stable_ms: 0 };
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS, { check });
  watched.runner.accept(grant, 0);
  const result = await watched.result(grant.grant.actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done']);
  assert.ok(!kindsIn(bed).includes('confirming'));
});

test('when it is stopped while a human is asked, it is taken back: to stop is not to confirm', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  watched.runner.accept(grant, 0);
  await askedFor(watched, actionId);
  watched.runner.stop(actionId);
  const result = await watched.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['stopped', 'done']);
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('when the machine refuses the timer, nothing is begun', async () => {
  using bed = makeBed();
  const deadMan = {
    arm: async () => {
      throw fault('cannot_arm', { reason: 'no systemd here' });
    },
    disarm: async () => undefined,
  };
  await using watched = new Watched(bed, { deadMan });
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  watched.runner.accept(grant, 0);
  const ending = await watched.ending(grant.grant.actionId);
  assert.equal(ending.kind === 'refused' && ending.fault.code, 'cannot_arm');
  assert.deepEqual(bed.effects(), []);
});

test('T1: when the server is locked, a confirmation counts only with as many signatures as the plan asks for, over this action', async () => {
  const [ada, bo] = [approver('Ada'), approver('Bo')];
  const lock = lockOf([ada, bo], { critical: 2 });
  using bed = makeBed(`mode: act\nmax_risk: critical\ncommands: true\nlock: ${JSON.stringify(lock)}\n`);
  await using watched = new Watched(bed);
  const unsigned = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { digest, actionId, plan } = unsigned.grant;
  const { request: _, ...previewed } = plan;
  const grant = grantOf(bed, previewed, {
    ...unsigned.grant,
    approvals: [signedApproval(ada, digest), signedApproval(bo, digest)],
  });
  assert.equal(grant.grant.digest, digest);
  watched.runner.accept(grant, 0);
  await askedFor(watched, actionId);
  const right = confirmationDigest(actionId, digest);
  const other = confirmationDigest('act_999999999999', digest);
  const bad = [
    [],
    [ada.sign(right)],
    [ada.sign(right), ada.sign(right)],
    [ada.sign(digest), bo.sign(digest)],
    [ada.sign(other), bo.sign(other)],
    [ada.sign(right), approver('Bo').sign(right)],
  ];
  for (const signatures of bad) watched.runner.confirm(actionId, signatures);
  assert.equal(bed.logged.filter((line) => line.includes('confirmation.refused')).length, bad.length);
  assert.deepEqual(watched.runner.about().running, [actionId]);
  watched.runner.confirm(actionId, [ada.sign(right), bo.sign(right)]);
  assert.equal((await watched.result(actionId)).outcome, 'succeeded');
});

// The runner killed at every turn. The first one takes the grant; the second one finds what is left.

test('F4: when the runner is killed while a human is asked, the next one asks at once, for the same time, and a confirmation counts', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS, {
    check: { probes: [isActive('a.service')], settle_ms: 0, stable_ms: 0 },
  });
  const { actionId } = grant.grant;
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  const asked = await first.asked(actionId);
  await first.kill();
  await using second = new RunnerProcess(bed);
  assert.equal(await second.asked(actionId), asked);
  second.confirm(actionId);
  assert.equal((await second.result(actionId)).outcome, 'succeeded');
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('F6: when the time runs out while no runner lives, the next one takes it back at once, and once', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  await first.asked(actionId);
  await first.kill();
  await using second = new RunnerProcess(bed, { aheadMs: LONG_MS + 1000 });
  second.confirm(actionId);
  const result = await second.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done']);
  assert.match(result.summary, /Nobody confirmed/);
  await second.kill();
  await using third = new RunnerProcess(bed, { aheadMs: LONG_MS + 1000 });
  assert.equal((await third.result(actionId)).outcome, 'failed');
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('F14: when the timer of the machine says that the time is over, it is taken back whatever the wall clock says', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  await first.asked(actionId);
  await first.kill();
  await using second = new RunnerProcess(bed, { expired: actionId, aheadMs: -86_400_000 });
  assert.equal((await second.result(actionId)).outcome, 'failed');
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('F14: when the wall clock was set back, no more time is given than the plan has', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], 10_000);
  const waits: number[] = [];
  const clock = {
    ...bed.clock,
    now: () => bed.clock.now() - 86_400_000,
    after: (ms: number) => {
      waits.push(ms);
      return () => undefined;
    },
  };
  const { actionId } = grant.grant;
  leaveBehind(bed, grant, [{ kind: 'armed', actionId, until: bed.clock.now() + 10_000 }]);
  const journal = Journal.open(bed.ports.stateDir, bed.clock);
  const record = journal.find(actionId);
  assert.ok(record);
  armAgain(new Confirmation(clock), record, clock, false);
  journal.close();
  assert.deepEqual(waits, [10_000]);
});

test('F14: when the wall clock was set back before a runner takes over, the timer of the machine gets no more time either', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], 10_000);
  const { actionId } = grant.grant;
  const entries = [
    { kind: 'armed', actionId, until: bed.clock.now() + 10_000 },
    { kind: 'started', actionId },
  ] as const;
  leaveBehind(bed, grant, entries);
  bed.clock.offsetMs = -86_400_000;
  const armed: number[] = [];
  const deadMan = { arm: async (_: string, ms: number) => void armed.push(ms), disarm: async () => undefined };
  await using watched = new Watched(bed, { deadMan });
  await watched.result(actionId);
  assert.deepEqual(armed, [10_000]);
});

test('F5: when the runner is killed in the middle of the revert, the next one begins it again where that is harmless', async () => {
  using bed = makeBed();
  writeFileSync(join(bed.folder, 'stuck.service'), 'active');
  const grant = await armedGrant(bed, [start('one', 'a.service'), stop('two', 'stuck.service')], LONG_MS);
  const { actionId } = grant.grant;
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  await first.asked(actionId);
  await first.kill();
  await using second = new RunnerProcess(bed, { expired: actionId });
  await until(() => bed.effects().includes('undo stuck.service'), 'the undo');
  await second.kill();
  await using third = new RunnerProcess(bed);
  third.confirm(actionId);
  const result = await third.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done'], JSON.stringify(result));
  assert.match(result.summary, /Nobody confirmed/);
  assert.deepEqual(bed.effects(), [
    'start a.service',
    'stop stuck.service',
    'undo stuck.service',
    'undo stuck.service',
    'undo a.service',
  ]);
  assert.ok(!kindsIn(bed).includes('confirmed'), 'no confirmation counts once the revert has begun');
});

test('F4: when the runner is killed in a step that nothing tells of, what could lock everybody out is taken back all the same', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'slow-lost.service')], LONG_MS);
  const { actionId } = grant.grant;
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  await until(() => bed.effects().length === 1, 'the effect');
  await first.kill();
  await using second = new RunnerProcess(bed);
  const result = await second.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['unknown', 'done']);
  assert.deepEqual(bed.effects(), ['start slow-lost.service', 'undo slow-lost.service']);
});

/** A journal as a runner left it that was killed after the last of these entries. */
function leaveBehind(bed: Bed, grant: SignedGrant, entries: readonly JournalEntry[]): void {
  const { actionId, digest } = grant.grant;
  const journal = Journal.open(bed.ports.stateDir, bed.clock);
  journal.append({ kind: 'intent', actionId, digest, grant, bootId: 'boot-1' });
  for (const entry of entries) journal.append(entry);
  journal.close();
}

test('F3: when the runner is killed after it was armed and before the first step, nothing is done, and it is not begun later', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  leaveBehind(bed, grant, [{ kind: 'armed', actionId, until: bed.clock.now() + LONG_MS }]);
  await using watched = new RunnerProcess(bed, { expired: actionId });
  assert.equal((await watched.ending(actionId)).kind, 'refused');
  assert.deepEqual(bed.effects(), []);
});

test('F4: when the runner is killed right after a confirmation is on disk, it is never taken back, however late the next one comes', async () => {
  using bed = makeBed();
  const grant = await armedGrant(bed, [start('one', 'a.service')], LONG_MS);
  const { actionId } = grant.grant;
  const outcome = {
    step: 'one',
    state: 'done',
    exitCode: 0,
    startedAt: 1,
    finishedAt: 2,
    summary: 'Started.',
  } as const;
  leaveBehind(bed, grant, [
    { kind: 'armed', actionId, until: bed.clock.now() + LONG_MS },
    { kind: 'started', actionId },
    { kind: 'step_intent', actionId, step: 'one', phase: 'run', memory: { before: 'inactive' } },
    { kind: 'step_result', actionId, step: 'one', phase: 'run', outcome },
    { kind: 'confirming', actionId },
    { kind: 'confirmed', actionId },
  ]);
  await using watched = new RunnerProcess(bed, { expired: actionId, aheadMs: 2 * LONG_MS });
  const result = await watched.result(actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['succeeded', 'not_needed']);
  assert.deepEqual(bed.effects(), []);
});
