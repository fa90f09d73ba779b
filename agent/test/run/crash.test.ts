/** The runner killed with SIGKILL at every turn (faults F3 to F5): a step is never begun twice, and what is known is told. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PlanProbe } from '@countersign/protocol';
import { command, commandUntil, draftOf, grantOf, linesOf, makeBed, planOf, start, stop, until } from './bed.ts';
import { RunnerProcess, takeOver } from './runner-process.ts';

const unitIs = (unit: string, state: string): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect: { active_state: { is: state } },
});

test('F4: when the runner is killed in the middle of a step that nothing tells of, the outcome is unknown, the state is read, and the step is not run again', async () => {
  using bed = makeBed();
  const effects = join(bed.folder, 'effects');
  const pidFile = join(bed.folder, 'pid');
  const check = { probes: [unitIs('a.service', 'active')], settle_ms: 0, stable_ms: 0 };
  const step = command('one', 'sh', '-c', `echo $$ >${pidFile}; echo begun >>${effects}; echo printed; exec sleep 60`);
  const signed = grantOf(bed, await planOf(bed, draftOf([step, start('two', 'b.service')], { check })));
  const { actionId } = signed.grant;
  await using first = new RunnerProcess(bed);
  first.accept(signed);
  await until(() => first.told.some((message) => message.type === 'output'), 'output of the step');
  await first.kill();
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  await using second = new RunnerProcess(bed);
  const result = await second.result(actionId);
  assert.equal(result.outcome, 'unknown');
  assert.match(result.summary, /runner ended in the middle of step one/);
  assert.deepEqual(
    result.check?.readings.map(({ passed }) => passed),
    [false],
  );
  second.accept(signed);
  await until(
    () => second.reports(actionId).filter(({ kind }) => kind === 'finished').length === 2,
    'the same answer again',
  );
  assert.deepEqual(linesOf(effects), ['begun']);
  const chunks = second.told.flatMap((message) =>
    message.type === 'output' ? [`${message.chunk} ${message.text}`] : [],
  );
  assert.equal(chunks[0], '0 printed\n', 'what it had printed is told again with the same number');
});

test('F3: when the runner is killed after the intent and before the first step, nothing was done and nothing is done later', async () => {
  using bed = makeBed();
  const preconditions: PlanProbe[] = [{ capability: 'disk.free', parameters: { path: '/slow' }, expect: {} }];
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], { preconditions })));
  await using first = new RunnerProcess(bed);
  first.accept(signed);
  const journal = join(bed.ports.stateDir, 'journal.ndjson');
  await until(() => linesOf(journal).some((line) => line.includes('"kind":"intent"')), 'the intent');
  await first.kill();
  await using second = new RunnerProcess(bed);
  const report = await second.ending(signed.grant.actionId);
  assert.equal(report.kind, 'refused');
  assert.match(JSON.stringify(report), /before the first step, and nothing was done/);
  second.accept(signed);
  await until(() => second.reports(signed.grant.actionId).length === 2, 'the same refusal again');
  assert.deepEqual(bed.effects(), []);
});

test('F5: when the runner is killed in a step whose end can be found out, it goes on with the check and does not begin the step again', async () => {
  using bed = makeBed();
  const check = { probes: [unitIs('slow.service', 'active')], settle_ms: 0, stable_ms: 10 };
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'slow.service')], { check })));
  await using second = await takeOver(bed, signed, () => bed.effects().length === 1, 'the effect');
  const result = await second.result(signed.grant.actionId);
  assert.equal(result.outcome, 'succeeded');
  assert.equal(result.check?.readings.length, 2);
  assert.deepEqual(bed.effects(), ['start slow.service']);
});

test('F5: when the runner is killed with steps still to come, what was done is undone', async () => {
  using bed = makeBed();
  const steps = [start('one', 'a.service'), start('two', 'slow.service'), start('three', 'c.service')];
  const signed = grantOf(bed, await planOf(bed, draftOf(steps)));
  await using second = await takeOver(bed, signed, () => bed.effects().length === 2, 'the second effect');
  const result = await second.result(signed.grant.actionId);
  assert.equal(result.outcome, 'failed');
  assert.deepEqual(
    result.steps.map(({ state }) => state),
    ['done', 'done', 'skipped'],
  );
  assert.deepEqual(bed.effects(), ['start a.service', 'start slow.service', 'undo slow.service', 'undo a.service']);
});

test('when the runner is killed while it waits for the check, the steps are not run again and the check is made', async () => {
  using bed = makeBed();
  const check = { probes: [unitIs('a.service', 'active')], settle_ms: 3000, stable_ms: 0 };
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], { check })));
  await using second = await takeOver(
    bed,
    signed,
    (first) => first.told.some((message) => message.type === 'step' && message.phase === 'checking'),
    'the check',
  );
  assert.equal((await second.result(signed.grant.actionId)).outcome, 'succeeded');
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('when the runner is killed in the middle of an undo, the undo is not begun again and the outcome is unknown', async () => {
  using bed = makeBed();
  const check = { probes: [unitIs('a.service', 'other')], settle_ms: 0, stable_ms: 0 };
  const steps = [start('one', 'a.service'), start('two', 'stuck.service')];
  const signed = grantOf(bed, await planOf(bed, draftOf(steps, { check })));
  await using second = await takeOver(bed, signed, () => bed.effects().includes('undo stuck.service'), 'the undo');
  assert.equal((await second.result(signed.grant.actionId)).outcome, 'unknown');
  assert.deepEqual(bed.effects(), ['start a.service', 'start stuck.service', 'undo stuck.service']);
});

test('when a step has failed and the runner is killed in an undo that may be begun again, no check is told, since none was made', async () => {
  using bed = makeBed();
  writeFileSync(join(bed.folder, 'stuck.service'), 'active');
  const check = { probes: [unitIs('a.service', 'active')], settle_ms: 0, stable_ms: 0 };
  const steps = [stop('one', 'stuck.service'), start('two', 'broken.service')];
  const signed = grantOf(bed, await planOf(bed, draftOf(steps, { check })));
  await using second = await takeOver(bed, signed, () => bed.effects().includes('undo stuck.service'), 'the undo');
  const result = await second.result(signed.grant.actionId);
  assert.deepEqual([result.outcome, result.undo.state, result.check], ['failed', 'done', null]);
  assert.match(result.summary, /Step two failed/);
});

test('when a stop was asked for and the runner is killed, the one that takes over stops instead of going on', async () => {
  using bed = makeBed();
  const check = { probes: [unitIs('a.service', 'active')], settle_ms: 60_000, stable_ms: 0 };
  const signed = grantOf(
    bed,
    await planOf(bed, draftOf([start('one', 'slow.service'), start('two', 'b.service')], { check })),
  );
  const { actionId } = signed.grant;
  await using first = new RunnerProcess(bed);
  first.accept(signed);
  await until(() => bed.effects().length === 1, 'the effect');
  first.channel.send({ type: 'stop', actionId });
  await until(
    () => linesOf(join(bed.ports.stateDir, 'journal.ndjson')).some((line) => line.includes('stop_asked')),
    'the stop in the journal',
  );
  await first.kill();
  await using second = new RunnerProcess(bed);
  const result = await second.result(actionId);
  assert.equal(result.outcome, 'stopped');
  assert.deepEqual(bed.effects(), ['start slow.service']);
});

test('when two runners are started on one folder, the second waits until the first is gone', async () => {
  using bed = makeBed();
  const about = (of: RunnerProcess) => of.told.some((message) => message.type === 'about');
  await using first = new RunnerProcess(bed);
  first.channel.send({ type: 'about', requestId: 'req_000000000001' });
  await until(() => about(first), 'the first to answer');
  await using second = new RunnerProcess(bed);
  second.channel.send({ type: 'about', requestId: 'req_000000000001' });
  first.channel.send({ type: 'about', requestId: 'req_000000000002' });
  await until(() => first.told.length === 2, 'the first to answer again');
  assert.equal(about(second), false);
  await first.kill();
  await until(() => about(second), 'the second to answer');
});

test('when the link goes while an action is under way, the runner finishes it and then goes too', async () => {
  using bed = makeBed();
  const goOn = join(bed.folder, 'go-on');
  const waits = commandUntil('one', goOn);
  const signed = grantOf(bed, await planOf(bed, draftOf([waits, start('two', 'a.service')])));
  await using first = new RunnerProcess(bed);
  first.accept(signed);
  await until(() => first.told.some((message) => message.type === 'step'), 'the first step');
  first.channel.close();
  writeFileSync(goOn, '');
  await until(() => bed.effects().length === 1, 'the second step');
  await using second = new RunnerProcess(bed);
  assert.equal((await second.result(signed.grant.actionId)).outcome, 'succeeded');
});
