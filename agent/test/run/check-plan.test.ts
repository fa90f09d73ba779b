/** What a check compares with the time before the first step: read once, kept in the journal, and held against both readings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Expectation, fault, type PlanProbe } from '@countersign/protocol';
import type { Observers } from '../../src/capabilities/capability.ts';
import { draftOf, grantOf, makeBed, planOf, start, Watched } from './bed.ts';
import { takeOver } from './runner-process.ts';

const unitIs = (unit: string, expect: Expectation): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect,
});
const checkOf = (...probes: PlanProbe[]) => ({ check: { probes, settle_ms: 0, stable_ms: 10 } });

test('when something must be as before and is not at the first reading, the check fails, says both, and the step is undone', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const check = checkOf(unitIs('a.service', { active_state: { as_before: true } }));
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], check)));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.outcome, 'failed');
  assert.equal(result.summary, 'The check failed: unit.state: active_state is "active", was "inactive" before.');
  assert.equal(result.check?.readings.length, 1);
  assert.deepEqual(bed.effects(), ['start a.service', 'undo a.service']);
});

test('when all is as before, the check passes at both readings', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const check = checkOf(
    unitIs('a.service', { active_state: { is: 'active' } }),
    unitIs('b.service', { active_state: { as_before: true }, restarts: { no_more_than_before: true } }),
  );
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], check)));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.outcome, 'succeeded');
  assert.deepEqual(
    result.check?.readings.map(({ said }) => said),
    Array(2).fill(['active_state is "active"', 'active_state is "inactive", restarts is 0']).flat(),
  );
});

test('when a number may not grow, fewer than before passes and more fails, also where it grew only between the readings', async () => {
  for (const [restarts, outcome] of [
    [[3, 2, 2], 'succeeded'],
    [[3, 3, 3], 'succeeded'],
    [[3, 4], 'failed'],
    [[3, 2, 4], 'failed'],
  ] as const) {
    using bed = makeBed();
    const said = restarts.values();
    const observers: Observers = {
      ...bed.ports.observers,
      'unit.state': async (parameters, context) => ({
        ...(await bed.ports.observers['unit.state'](parameters, context)),
        restarts: said.next().value ?? assert.fail('it is read more often'),
      }),
    };
    await using watched = new Watched(bed, { observers });
    const check = checkOf(unitIs('b.service', { restarts: { no_more_than_before: true } }));
    const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], check)));
    watched.runner.accept(signed, 0);
    const result = await watched.result(signed.grant.actionId);
    assert.equal(result.outcome, outcome, `${restarts}: ${result.summary}`);
    if (outcome === 'failed') assert.match(result.summary, /restarts is 4, was 3 before/);
  }
});

test('when it cannot be read how something was, the action is refused and nothing is done', async () => {
  using bed = makeBed();
  const unreadable: Observers = {
    ...bed.ports.observers,
    'unit.state': async () => {
      throw fault('capability_failed', { reason: 'systemd does not answer' });
    },
  };
  const silent = {
    ...bed.ports.observers,
    'unit.state': async () => ({ active_state: 'active' }),
  } as unknown as Observers;
  for (const [observers, said] of [
    [unreadable, /systemd does not answer/],
    [silent, /unit\.state does not say active_state, main_pid/],
  ] as const) {
    await using watched = new Watched(bed, { observers });
    const check = checkOf(unitIs('b.service', { active_state: { as_before: true }, main_pid: { as_before: true } }));
    const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], check)));
    watched.runner.accept(signed, 0);
    const report = await watched.ending(signed.grant.actionId);
    assert.equal(report.kind === 'refused' && report.fault.code, 'precondition_failed');
    assert.match(JSON.stringify(report), said);
    assert.deepEqual(bed.effects(), []);
  }
});

test('F5: when the runner is killed in the middle of a step, the one that takes over compares with what was before it', async () => {
  using bed = makeBed();
  const check = checkOf(unitIs('slow.service', { active_state: { as_before: true } }));
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'slow.service')], check)));
  await using second = await takeOver(bed, signed, () => bed.effects().length === 1, 'the effect');
  const result = await second.result(signed.grant.actionId);
  assert.equal(result.outcome, 'failed');
  assert.match(result.summary, /active_state is "active", was "inactive" before/);
  assert.deepEqual(bed.effects(), ['start slow.service', 'undo slow.service']);
});
