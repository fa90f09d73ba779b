import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { closeUnknown } from '../../src/actions/close-unknown.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { loseDue } from '../../src/actions/lose-due.ts';
import { outputTail, wholeOutput } from '../../src/actions/output.store.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordOutput } from '../../src/actions/record-output.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { recordStep } from '../../src/actions/record-step.ts';
import { requestStop } from '../../src/actions/request-stop.ts';
import { resumeServer } from '../../src/actions/resume-server.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { anaAtDashboard, assistant, db1, type Heart, hasCode, heart, resultOf, web1 } from './heart.ts';

async function dispatched(h: Heart, change: Parameters<Heart['ask']>[0] = {}): Promise<string> {
  const { actionId } = await h.ask(change);
  await h.answer(actionId);
  await dispatch(h.deps, actionId);
  return actionId;
}
const started = (h: Heart, actionId: string) => recordStarted(h.deps, web1, { actionId, at: 5 });
const finished = (h: Heart, actionId: string, ...result: Parameters<typeof resultOf>) =>
  recordFinished(h.deps, web1, { actionId, result: resultOf(...result) });
async function unknown(h: Heart): Promise<string> {
  const actionId = await dispatched(h);
  await started(h, actionId);
  h.fleet.online.clear();
  await h.clock.pass(h.deps.limits.loseAfterMs);
  await loseDue(h.deps, { watchingSince: 0 });
  assert.equal(await h.stateOf(actionId), 'unknown');
  return actionId;
}

for (const [outcome, state] of [
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
  ['stopped', 'stopped'],
  ['unknown', 'unknown'],
] as const)
  test(`when the runner says ${outcome}, the action is ${state} and its result is kept; saying it again changes nothing`, async (t) => {
    const h = await heart(t);
    const actionId = await dispatched(h);
    await started(h, actionId);
    await started(h, actionId);
    await recordStep(h.deps, web1, { actionId, step: 'go', phase: 'checking' });
    assert.match((await actionDetail(h.deps, actionId)).status, /^Runs on web-1 since 02:13 UTC, checking after go\./);
    await finished(h, actionId, outcome);
    const events = await h.events(actionId);
    await finished(h, actionId, outcome);
    await started(h, actionId);
    const detail = await actionDetail(h.deps, actionId);
    assert.deepEqual([detail.state, detail.result?.outcome, detail.current_step], [state, outcome, null]);
    assert.deepEqual(await h.events(actionId), events);
    assert.equal(events.filter((event) => event === 'action.started').length, 1);
  });

test('when the result comes although the start did not, both are recorded', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  await finished(h, actionId, 'succeeded');
  assert.deepEqual((await h.events(actionId)).slice(-2), ['action.started', 'action.succeeded']);
});

test('when the runner refuses, nothing was done and the action says why', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  const report = { actionId, fault: { code: 'state_drifted', slots: { reason: 'nginx.service is failed' } }, at: 5 };
  await recordRefused(h.deps, web1, report);
  await recordRefused(h.deps, web1, report);
  const detail = await actionDetail(h.deps, actionId);
  assert.deepEqual([detail.state, detail.error?.code], ['refused', 'state_drifted']);
  assert.match(detail.status, /nginx\.service is failed since the plan was approved\. Nothing was done on web-1\./);
});

test('F2: when the runner has seen a grant before, its refusal tells nothing of the outcome and changes nothing', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  await recordRefused(h.deps, web1, { actionId, fault: { code: 'grant_replayed', slots: {} }, at: 5 });
  assert.equal(await h.stateOf(actionId), 'dispatched');
  await finished(h, actionId, 'succeeded');
  assert.equal(await h.stateOf(actionId), 'succeeded');
});

test('when a server reports of an action of another server, or of none, it is refused and audited', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  const reports = [
    () => recordStarted(h.deps, db1, { actionId, at: 5 }),
    () => recordRefused(h.deps, db1, { actionId, fault: { code: 'grant_invalid', slots: {} }, at: 5 }),
    () => recordStep(h.deps, db1, { actionId, step: 'go', phase: 'running' }),
    () => recordOutput(h.deps, db1, [{ actionId, step: 'go', chunk: 0, text: 'x', dropped: 0 }]),
    () => recordFinished(h.deps, db1, { actionId, result: resultOf('succeeded') }),
    () => recordStarted(h.deps, db1, { actionId: 'act_000000000000', at: 5 }),
  ];
  for (const report of reports) await assert.rejects(report(), hasCode('action_not_found'));
  assert.equal((await h.events()).filter((event) => event === 'report.refused').length, reports.length);
  assert.equal(await h.stateOf(actionId), 'dispatched');
  assert.deepEqual(await outputTail(h.db, actionId, 100), { text: '', truncated: false });
});

test('when a server reports a start or an end that nobody approved, the action stays as it is', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await started(h, actionId);
  await finished(h, actionId, 'succeeded');
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
  assert.equal((await h.row(actionId)).result_json, null);
  assert.deepEqual((await h.events(actionId)).slice(-2), ['report.ignored', 'report.ignored']);
});

test('when an outcome was unknown and the server returns with its journal, the action gets its true end', async (t) => {
  const h = await heart(t);
  const actionId = await unknown(h);
  assert.match(
    (await actionDetail(h.deps, actionId)).status,
    /^The outcome is not known\..*It is never started again\. When web-1 returns/,
  );
  await finished(h, actionId, 'unknown');
  assert.equal(await h.stateOf(actionId), 'unknown');
  await finished(h, actionId, 'failed', { undo: { state: 'done', steps: [] } });
  assert.match((await actionDetail(h.deps, actionId)).status, /Everything it did was taken back/);
  assert.equal(await h.stateOf(actionId), 'failed');
});

test('when nobody knows whether a grant arrived and its time is over, it is sent again, so that the server can say that nothing was done', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  h.fleet.online.clear();
  await h.clock.pass(h.deps.limits.loseAfterMs);
  await loseDue(h.deps, { watchingSince: 0 });
  h.fleet.online.add(web1);
  await resumeServer(h.deps, web1);
  assert.equal(h.fleet.grants.length, 2);
  await recordRefused(h.deps, web1, { actionId, fault: { code: 'grant_expired', slots: {} }, at: 5 });
  assert.equal(await h.stateOf(actionId), 'refused');
});

test('when a human closes an unknown action and the server tells the truth later, the state stays and the truth is kept', async (t) => {
  const h = await heart(t);
  const actionId = await unknown(h);
  await closeUnknown(h.deps, anaAtDashboard, { actionId, reason: 'looked: nginx runs' });
  assert.match((await actionDetail(h.deps, actionId)).status, /Closed by a person: looked: nginx runs/);
  await assert.rejects(closeUnknown(h.deps, anaAtDashboard, { actionId, reason: 'again' }), hasCode('action_not_open'));
  await finished(h, actionId, 'succeeded');
  const { state, result } = await actionDetail(h.deps, actionId);
  assert.deepEqual([state, result?.outcome], ['failed', 'succeeded']);
  assert.equal((await h.lastDetails('report.ignored'))?.details.outcome, 'succeeded');
});

test('F19: when a stop is asked for, the server is asked at once, again when it returns, and only for what runs', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  await started(h, actionId);
  await requestStop(h.deps, anaAtDashboard, actionId);
  await requestStop(h.deps, anaAtDashboard, actionId);
  assert.deepEqual(h.fleet.stops, [actionId, actionId]);
  assert.equal((await h.events(actionId)).filter((event) => event === 'action.stop_requested').length, 1);
  await resumeServer(h.deps, web1);
  assert.equal(h.fleet.stops.length, 3);
  await finished(h, actionId, 'stopped');
  await assert.rejects(requestStop(h.deps, anaAtDashboard, actionId), hasCode('nothing_to_stop', /stopped/));
});

test('when a requester takes back what runs already, it is asked to stop; what is not theirs they cannot take back', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  await started(h, actionId);
  assert.equal(await withdraw(h.deps, assistant, actionId), 'running');
  assert.deepEqual(h.fleet.stops, [actionId]);
  const other = await h.ask({ unit: 'ssh' });
  const ben = { ...anaAtDashboard, person: { id: 'prs_0000000000bb', name: 'Ben', role: 'approver' as const } };
  await assert.rejects(withdraw(h.deps, ben, other.actionId), hasCode('forbidden'));
  assert.equal(await withdraw(h.deps, assistant, other.actionId), 'withdrawn');
  await assert.rejects(withdraw(h.deps, assistant, other.actionId), hasCode('action_not_open'));
});

test('when output comes, each chunk is kept once, and what is over the limit is counted and takes no room', async (t) => {
  const h = await heart(t, { limits: { outputPerStep: 10 } });
  const actionId = await dispatched(h);
  const chunk = (n: number, text: string, dropped = 0, step = 'go') =>
    recordOutput(h.deps, web1, [{ actionId, step, chunk: n, text, dropped }]);
  await chunk(0, 'one\n');
  await chunk(0, 'one\n');
  await chunk(1, 'two three four');
  assert.deepEqual(await outputTail(h.db, actionId, 1000), {
    text: 'one\n[… 8 bytes left out …]\ntwo th',
    truncated: true,
  });
  for (let n = 2; n < 50; n += 1) await chunk(n, 'flood');
  const rows = await h.db.selectFrom('action_output').selectAll().execute();
  assert.deepEqual([rows.length, rows[1]?.chunk, rows[1]?.dropped], [2, 49, 8 + 48 * 5]);
  await chunk(49, 'flood');
  assert.equal((await h.db.selectFrom('action_output').selectAll().execute())[1]?.dropped, 8 + 48 * 5);
  await chunk(50, 'next', 0, 'other');
  assert.match((await outputTail(h.db, actionId, 1000)).text, /next$/);
  assert.deepEqual(await outputTail(h.db, actionId, 3), { text: 'ext', truncated: true });
});

test('when chunks come in one go, they are kept as if each had come alone', async (t) => {
  const h = await heart(t, { limits: { outputPerStep: 10 } });
  const texts = ['one\n', '😀😀', 'two three', 'flood', 'flood'];
  const kept = [];
  for (const together of [false, true]) {
    const actionId = await dispatched(h, { unit: together ? 'ssh' : 'nginx' });
    const chunks = texts.map((text, chunk) => ({
      actionId,
      step: chunk < 4 ? 'go' : 'other',
      chunk,
      text,
      dropped: chunk,
    }));
    const [first, ...others] = chunks;
    assert.ok(first);
    if (together) await recordOutput(h.deps, web1, [first, ...others]);
    else for (const chunk of chunks) await recordOutput(h.deps, web1, [chunk]);
    if (together) await recordOutput(h.deps, web1, [first, ...others]);
    kept.push((await wholeOutput(h.db, actionId)).map(({ action_id: _, ...row }) => row));
  }
  assert.deepEqual(kept[1], kept[0]);
  assert.equal(kept[0]?.length, 4);
});

test('when output and the end of an action are handed on one right behind the other, who hears of the end finds the output', async (t) => {
  const h = await heart(t);
  const actionId = await dispatched(h);
  await started(h, actionId);
  const chunk = { actionId, step: 'go', chunk: 0, text: 'printed\n', dropped: 0 };
  const kept = recordOutput(h.deps, web1, [chunk]);
  await finished(h, actionId, 'succeeded');
  assert.deepEqual(await outputTail(h.db, actionId, 100), { text: 'printed\n', truncated: false });
  await kept;
});
