import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatch } from '../../src/actions/dispatch.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { waitForAction } from '../../src/actions/wait-for-action.ts';
import { type Heart, heart, resultOf, web1 } from './heart.ts';

function waiting(h: Heart, actionId: string, ms = 50_000) {
  const abort = new AbortController();
  let over = false;
  const promise = waitForAction(h.deps, actionId, { ms, signal: abort.signal }).finally(() => {
    over = true;
  });
  return { promise, abort, isOver: () => over };
}
const turn = async () => {
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('when a waiting action is decided, who waits for it is told at once', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const wait = waiting(h, actionId);
  await turn();
  assert.equal(wait.isOver(), false);
  await h.answer(actionId);
  await wait.promise;
});

test('when a decided action starts and ends, who waits is told at its end, not before', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  const wait = waiting(h, actionId);
  await turn();
  await dispatch(h.deps, actionId);
  await recordStarted(h.deps, web1, { actionId, at: 1 });
  await turn();
  assert.equal(wait.isOver(), false);
  await recordFinished(h.deps, web1, { actionId, result: resultOf('succeeded') });
  await wait.promise;
});

test('when nothing changes, the wait ends after its time; with no time, or nothing to wait for, at once', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const wait = waiting(h, actionId);
  await turn();
  await h.clock.pass(50_000);
  await wait.promise;
  await waiting(h, actionId, 0).promise;
  await h.answer(actionId, { verdict: 'reject' });
  await waiting(h, actionId).promise;
  await waiting(h, 'act_000000000000').promise;
});

test('when the caller goes away, the wait ends and leaves nothing behind; the action stays', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const wait = waiting(h, actionId);
  await turn();
  wait.abort.abort(new Error('gone'));
  await assert.rejects(wait.promise, /gone/);
  assert.equal(h.clock.waiting(), 0);
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
  const early = waiting(h, actionId);
  early.abort.abort(new Error('gone at once'));
  await assert.rejects(early.promise, /gone at once/);
});
