import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { dispatch, sendGrant } from '../../src/actions/dispatch.ts';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { pauseNow } from '../../src/actions/pause.store.ts';
import { pauseDispatch } from '../../src/actions/pause.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { resumeDispatch } from '../../src/actions/resume.ts';
import { anaAtDashboard, hasCode, heart, web1 } from './heart.ts';

const right = { kind: 'password', password: 'right' } as const;

test('when all changes are paused, nothing leaves, people can still decide and ask, and each status says who paused', async (t) => {
  const h = await heart(t);
  const approved = await h.ask();
  await h.answer(approved.actionId);
  await pauseDispatch(h.deps, anaAtDashboard, { reason: 'what is going on?', stopRunning: false });
  assert.equal(await dispatch(h.deps, approved.actionId), 'waiting');
  const asked = await h.ask({ unit: 'ssh' });
  assert.equal((await h.answer(asked.actionId)).outcome, 'approved');
  await dispatchDue(h.deps);
  assert.deepEqual(h.fleet.grants, []);
  const paused = /All changes are paused by Ana since 02:13 UTC\. It goes to web-1 if an owner resumes them in time/;
  for (const { actionId } of [approved, asked]) assert.match((await actionDetail(h.deps, actionId)).status, paused);
  const waiting = await h.ask({ unit: 'cron' });
  assert.match((await actionDetail(h.deps, waiting.actionId)).status, /All changes are paused by Ana/);
  const entry = await h.lastDetails('dispatch.paused');
  assert.deepEqual(entry?.details, { channel: 'web', reason: 'what is going on?', stop_running: false });
  const again = await pauseDispatch(h.deps, { ...anaAtDashboard, via: 'cli' }, { stopRunning: false });
  assert.equal(again.pause.channel, 'web', 'the first pause stays');
  await h.clock.pass(120_000);
  await expireDue(h.deps);
  assert.equal(await h.stateOf(approved.actionId), 'expired', 'a pause makes no approval last longer');
});

test('when a pause ends, what is still in its time goes, and ending it takes a fresh proof', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await pauseDispatch(h.deps, anaAtDashboard, { stopRunning: false });
  const deps = { ...h.deps, prove: h.prove };
  await assert.rejects(
    resumeDispatch(deps, anaAtDashboard, { kind: 'password', password: 'stolen session' }),
    hasCode('sign_in_failed'),
  );
  assert.notEqual(await pauseNow(h.db), null);
  await resumeDispatch(deps, anaAtDashboard, right);
  assert.equal(await dispatch(h.deps, actionId), 'sent');
  assert.equal((await h.lastDetails('dispatch.resumed'))?.details.paused_by, 'Ana');
  await resumeDispatch(deps, anaAtDashboard, right);
  assert.equal((await h.events()).filter((event) => event === 'dispatch.resumed').length, 1);
});

test('F19: when a pause is to stop what runs too, every running action is asked to stop within a second', async (t) => {
  const h = await heart(t);
  const made = [await h.ask(), await h.ask({ unit: 'ssh' }), await h.ask({ unit: 'cron', server: 'db-1' })];
  for (const { actionId } of made) {
    await h.answer(actionId);
    await dispatch(h.deps, actionId);
  }
  const [first] = made.map(({ actionId }) => actionId);
  await recordStarted(h.deps, web1, { actionId: first ?? '', at: h.clock.now() });
  const before = cpuMs();
  const { stopping } = await pauseDispatch(h.deps, anaAtDashboard, { stopRunning: true });
  assert.equal(stopping, 3);
  assert.deepEqual([...h.fleet.stops].sort(), made.map(({ actionId }) => actionId).sort());
  assert.ok(cpuMs() - before < 1000, 'stop sent within a second');
});

test('when a grant was sent and not answered before the pause, it is not sent again until the pause ends', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  h.fleet.online.delete(web1);
  h.fleet.online.add(web1);
  h.fleet.beforeDispatch = () => Promise.reject(new Error('the link broke'));
  await dispatch(h.deps, actionId);
  h.fleet.beforeDispatch = async () => undefined;
  await pauseDispatch(h.deps, anaAtDashboard, { stopRunning: false });
  await sendGrant(h.deps, actionId);
  assert.equal(h.fleet.grants.length, 0);
  await resumeDispatch({ ...h.deps, prove: h.prove }, anaAtDashboard, right);
  await sendGrant(h.deps, actionId);
  assert.equal(h.fleet.grants.length, 1);
});

test('when a pause and many dispatches come at once, what was sent was sent before it, and nothing after', async (t) => {
  const h = await heart(t, { limits: { pendingMost: 100 } });
  for (let round = 0; round < 20; round += 1) {
    const made = [];
    for (let n = 0; n < 6; n += 1) {
      const { actionId } = await h.ask({ unit: `u${round}-${n}` });
      await h.answer(actionId);
      made.push(actionId);
    }
    const outcomes = await Promise.all([
      ...made.slice(0, 3).map((id) => dispatch(h.deps, id)),
      pauseDispatch(h.deps, anaAtDashboard, { stopRunning: false }),
      ...made.slice(3).map((id) => dispatch(h.deps, id)),
    ]);
    const { since } = (await pauseNow(h.db)) ?? assert.fail('it is paused');
    const entries = await h.db
      .selectFrom('audit_entry')
      .select(['seq', 'event'])
      .where('event', 'in', ['action.dispatched', 'dispatch.paused'])
      .orderBy('seq', 'desc')
      .execute();
    assert.equal(entries[0]?.event, 'dispatch.paused', `round ${round}: nothing was sent after the pause of ${since}`);
    const sent = outcomes.filter((outcome) => outcome === 'sent').length;
    assert.equal(sent + outcomes.filter((outcome) => outcome === 'waiting').length, 6);
    await resumeDispatch({ ...h.deps, prove: h.prove }, anaAtDashboard, right);
    for (const id of made) await dispatch(h.deps, id);
  }
});
