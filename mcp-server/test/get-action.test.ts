/** Waiting for an action: progress while it lasts, the end as soon as it comes, nothing withdrawn when the client goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/world/eventually.ts';
import { sampleOperations } from './sample-operations.ts';
import { callTool } from './serve.ts';

const restart = { server: 'web-1', playbook: 'service.restart', parameters: { unit: 'nginx' } };

async function asked() {
  const operations = sampleOperations();
  const { structured } = await callTool(operations, 'run_playbook', restart);
  return { operations, action: structured.action as string };
}

test('when nothing is to be waited for, the state comes at once', async () => {
  const { operations, action } = await asked();
  const { structured } = await callTool(operations, 'get_action', { action });
  assert.equal(structured.state, 'awaiting_approval');
  assert.match(structured.next, /A human decides/);
});

test('when an action is decided and done while a client waits, it hears each step and gets the end', async () => {
  const { operations, action } = await asked();
  const waiting = callTool(operations, 'get_action', { action, wait_s: 20 }, { progress: true });
  for (const state of ['approved', 'dispatched', 'running', 'succeeded'] as const) {
    await polled(operations);
    operations.move(action, state);
  }
  const { structured, progress } = await waiting;
  assert.equal(structured.state, 'succeeded');
  assert.match(structured.untrusted_output, /Job for nginx/);
  assert.ok(progress.length >= 4);
  assert.match(progress[0]?.message ?? '', /^approved: /);
  assert.ok(progress.every(({ total }) => total === 20));
});

test('when the client asked for no progress, none is sent', async () => {
  const { operations, action } = await asked();
  const waiting = callTool(operations, 'get_action', { action, wait_s: 20 });
  await polled(operations);
  operations.move(action, 'rejected');
  const { structured, progress } = await waiting;
  assert.equal(structured.state, 'rejected');
  assert.deepEqual(progress, []);
});

test('when nobody decides in time, the action is still pending and the answer says what to do', async () => {
  const { operations, action } = await asked();
  const { structured } = await callTool(operations, 'get_action', { action, wait_s: 1 });
  assert.equal(structured.state, 'awaiting_approval');
  assert.match(structured.next, /repeat until it is decided/);
});

test('when the outcome is unknown, waiting ends: only a human can go on', async () => {
  const { operations, action } = await asked();
  operations.move(action, 'unknown');
  const { structured } = await callTool(operations, 'get_action', { action, wait_s: 30 });
  assert.equal(structured.state, 'unknown');
});

test('when an action does not exist, the error says so', async () => {
  const { structured } = await callTool(sampleOperations(), 'get_action', { action: 'act_000000000000', wait_s: 5 });
  assert.equal(structured.error.code, 'action_not_found');
});

test('when more than 50 seconds are asked for, that is refused', async () => {
  const { operations, action } = await asked();
  const { structured } = await callTool(operations, 'get_action', { action, wait_s: 51 });
  assert.equal(structured.error.code, 'invalid_input');
});

/** Until the tool waits in a long poll for the present state. */
async function polled({ calls }: ReturnType<typeof sampleOperations>): Promise<void> {
  const last = await eventually('the tool to poll', () => {
    const call = calls.at(-1);
    return call?.name === 'getAction' && Number(call.input.wait_s) > 0 && !seen.has(call) && call;
  });
  seen.add(last);
}
const seen = new WeakSet<object>();
