/** What policy allows and whose preview is known beforehand: one commit, one crossing, and the runner refuses what we foretold wrongly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanDraft, Preview } from '@countersign/protocol';
import { commandPreview } from '@countersign/protocol/command-preview';
import { actionView } from '../../../mcp-server/src/action-view.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { askAgain } from '../../src/actions/ask-again.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { makeDispatcher } from '../../src/actions/dispatcher.ts';
import { pauseDispatch } from '../../src/actions/pause.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { resendDue } from '../../src/actions/resend-due.ts';
import { waitForAction } from '../../src/actions/wait-for-action.ts';
import { anaAtDashboard, type Heart, heart, resultOf, web1 } from './heart.ts';

const FREE = '  - {name: free, allow: true}';
const parameters = { argv: ['uptime', '-p'], timeout_s: 60 };
const wanted = { kind: 'command', ...parameters } as const;

const said = ({ steps }: PlanDraft): Preview => ({
  steps: steps.map(({ id }) => ({ step: id, ...commandPreview(parameters) })),
  witness: [],
  predictable: false,
});

/** A heart that knows what its servers would say. */
async function foreseeing(...of: Parameters<typeof heart>): Promise<Heart> {
  const h = await heart(...of);
  h.fleet.foretell = (_, draft) => said(draft);
  return h;
}

const refused = (h: Heart, actionId: string, code: string, slots: Record<string, string>) =>
  recordRefused(h.deps, web1, { actionId, fault: { code, slots }, at: h.clock.now() });

test('when policy allows a command whose preview is known, it leaves without a question to the server, and all of it is on record', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  const { actionId } = await h.ask({ wanted });
  assert.deepEqual(h.fleet.drafts, [], 'the server was not asked');
  const { state, plan, history } = await actionDetail(h.deps, actionId);
  assert.equal(state, 'dispatched');
  assert.deepEqual(plan.preview, said(plan));
  assert.deepEqual(
    history.map(({ from, event, to }) => [from, event, to]),
    [
      [null, 'propose', 'approved'],
      ['approved', 'dispatch', 'dispatched'],
    ],
  );
  assert.deepEqual(await h.events(actionId), ['action.requested', 'action.dispatched']);
  assert.deepEqual(
    h.fleet.grants.map(({ grant }) => grant.actionId),
    [actionId],
  );
});

test('when one transaction makes and sends an action, followers and pages are told once, of where it is', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  const told: string[] = [];
  h.deps.followers.add({ actionChanged: (id, state) => void told.push(`${id} ${state}`) });
  h.live.length = 0;
  const { actionId } = await h.ask({ wanted });
  assert.deepEqual(told, [`${actionId} dispatched`]);
  assert.deepEqual(
    h.live.map(({ type }) => type),
    ['action'],
  );
});

test('when policy asks a human, the server itself is asked for the preview, whatever was foretold', async (t) => {
  const h = await foreseeing(t, { policy: '  - {name: ask, ask: {}}' });
  const { actionId } = await h.ask({ wanted });
  assert.equal(h.fleet.drafts.length, 1);
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
});

test('when all changes are paused, what policy allows waits, and leaves only after the pause', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  await pauseDispatch(h.deps, anaAtDashboard, { stopRunning: false });
  const { actionId } = await h.ask({ wanted });
  assert.deepEqual([await h.stateOf(actionId), h.fleet.grants.length], ['approved', 0]);
  assert.equal(await dispatch(h.deps, actionId), 'waiting');
});

test('F1: when the link is lost right after the commit, the grant is sent again once the server is back, by the sweep', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  h.fleet.beforeDispatch = async () => void h.fleet.online.delete(web1);
  const { actionId } = await h.ask({ wanted });
  assert.deepEqual([await h.stateOf(actionId), h.fleet.grants.length], ['dispatched', 0]);
  h.fleet.beforeDispatch = async () => undefined;
  h.fleet.online.add(web1);
  await resendDue(h.deps, { serverId: web1, unansweredMs: 0 });
  assert.equal(h.fleet.grants.length, 1);
});

test('when the server says otherwise than was foretold, it is asked and the command goes on by itself; the next time a human is asked', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  const first = await h.ask({ wanted });
  h.fleet.answer = async (draft) => ({
    ...said(draft),
    steps: said(draft).steps.map((s) => ({ ...s, effects: ['!'] })),
  });
  const slots = { reason: 'what it does cannot be predicted, and other effects were shown' };
  await refused(h, first.actionId, 'state_drifted', slots);
  await askAgain(h.deps, first.actionId);
  assert.equal(h.fleet.drafts.length, 1, 'the server was asked this time');
  const old = await actionDetail(h.deps, first.actionId);
  assert.deepEqual([old.state, old.error?.code], ['refused', 'state_drifted']);
  const next = await actionDetail(h.deps, old.followed_by ?? '');
  assert.deepEqual([next.state, next.policy.rule, next.plan.preview.steps[0]?.effects], ['dispatched', 'free', ['!']]);
  assert.equal(h.fleet.grants.length, 2);
  await refused(h, next.id, 'state_drifted', slots);
  await askAgain(h.deps, next.id);
  const last = await actionDetail(h.deps, (await actionDetail(h.deps, next.id)).followed_by ?? '');
  assert.equal(last.state, 'awaiting_approval', 'it does not run in circles');
});

test('when a foretold command is refused and goes on by itself, who waits for it is told as what, and not to ask anew', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  for (const [after, ended] of [
    [(id: string) => askAgain(h.deps, id), /^It was asked again as act_\w+: call get_action with that id/],
    [
      async (id: string) => {
        await h.setPolicy('  - {name: no, deny: {reason: Frozen.}}');
        await askAgain(h.deps, id);
      },
      /^Nothing ran\. The status says whether/,
    ],
  ] as const) {
    const { actionId } = await h.ask({ wanted });
    let over = false;
    const { signal } = new AbortController();
    const waits = waitForAction(h.deps, actionId, { ms: 3000, signal }).then(() => {
      over = true;
    });
    await refused(h, actionId, 'state_drifted', { reason: 'a program moved' });
    for (let n = 0; n < 20; n += 1) await h.clock.pass(0);
    assert.equal(over, false, 'nobody knows yet how it goes on');
    assert.match(
      actionView(await actionDetail(h.deps, actionId), () => '').next,
      /^Nothing ran\. The status says whether/,
    );
    await after(actionId);
    await waits;
    assert.match(actionView(await actionDetail(h.deps, actionId), () => '').next, ended);
    const { followed_by } = await actionDetail(h.deps, actionId);
    if (followed_by) await refused(h, followed_by, 'commands_disabled', {});
  }
});

test('when the assistant itself asked anew after the refusal, and that has ended, the refused one does not run besides', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  const first = await h.ask({ wanted });
  await refused(h, first.actionId, 'state_drifted', { reason: 'a program moved' });
  const own = await h.ask({ wanted });
  await recordStarted(h.deps, web1, { actionId: own.actionId, at: 5 });
  await recordFinished(h.deps, web1, { actionId: own.actionId, result: resultOf('succeeded') });
  await askAgain(h.deps, first.actionId);
  const { followed_by, status } = await actionDetail(h.deps, first.actionId);
  assert.equal(followed_by, null);
  assert.match(status, new RegExp(`not asked for again by itself: it was asked for again as ${own.actionId}`));
  assert.equal(h.fleet.grants.length, 2);
});

test('when the server can be asked only after the time in which the command was to start, a human is asked', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  const { actionId } = await h.ask({ wanted });
  await h.clock.pass(h.deps.limits.startWindowMs);
  await refused(h, actionId, 'state_drifted', { reason: 'a program moved' });
  await askAgain(h.deps, actionId);
  const { followed_by } = await actionDetail(h.deps, actionId);
  assert.deepEqual([await h.stateOf(followed_by ?? ''), h.fleet.grants.length], ['awaiting_approval', 1]);
});

test('when the server refuses what was foretold, the caller sees its reason under the code of before', async (t) => {
  const h = await foreseeing(t, { policy: FREE });
  await using dispatcher = makeDispatcher(h.deps);
  h.deps.followers.add(dispatcher);
  const codes = {
    commands_disabled: {},
    server_observe_only: {},
    server_policy_denies: { reason: 'it allows only the commands that it names' },
    precondition_failed: { reason: '/srv is no folder on the server' },
    agent_busy: {},
    path_denied: { path: '/etc/shadow', reason: 'it is protected' },
  };
  for (const [code, slots] of Object.entries(codes)) {
    const { actionId } = await h.ask({ wanted });
    await refused(h, actionId, code, slots);
    const { state, error, status } = await actionDetail(h.deps, actionId);
    assert.deepEqual([state, error?.code], ['refused', code]);
    assert.ok(status.includes(error?.message ?? '-'), status);
  }
});
