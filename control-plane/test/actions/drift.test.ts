import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanDraft } from '@countersign/protocol';
import { actionView } from '../../../mcp-server/src/action-view.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { askAgain } from '../../src/actions/ask-again.ts';
import { makeAsker } from '../../src/actions/asker.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { previewDifferences } from '../../src/actions/preview-differences.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { waitForAction } from '../../src/actions/wait-for-action.ts';
import type { Wanted } from '../../src/actions/wanted.ts';
import { cardOf } from '../../src/approvals/card.ts';
import { write } from '../../src/storage/write.ts';
import { assistant, ben, type Heart, hasCode, heart, tokenOfAna, web1 } from './heart.ts';
import { previewOf } from './small-fleet.ts';

const fallen = async (draft: PlanDraft) => ({
  ...previewOf(draft),
  witness: [{ subject: 'unit nginx.service', property: 'active_state', value: 'failed' }],
});
const reason = 'active_state of unit nginx.service changed from "active" to "failed"';

/** Approved and sent; then the server refuses it, since its state is not what was approved. */
async function drifted(h: Heart, actionId: string, slots: Record<string, string> = { reason }) {
  if ((await h.stateOf(actionId)) === 'awaiting_approval') await h.answer(actionId);
  await dispatch(h.deps, actionId);
  await recordRefused(h.deps, web1, { actionId, fault: { code: 'state_drifted', slots }, at: h.clock.now() });
}

async function again(h: Heart, actionId: string) {
  await askAgain(h.deps, actionId);
  const { followed_by } = await actionDetail(h.deps, actionId);
  return followed_by ?? assert.fail('it was not asked again');
}

test('T8: when the state drifted, the approver is asked again with the differences, and the old approval is not used', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask({ reason: 'site is down' });
  await h.answer(actionId);
  h.fleet.answer = fallen;
  await drifted(h, actionId, { reason, differences: `${reason}\nmain_pid of unit nginx.service changed from 1 to 0` });
  assert.match((await actionDetail(h.deps, actionId)).status, /It is being asked for again with the present state\.$/);
  const next = await actionDetail(h.deps, await again(h, actionId));
  assert.deepEqual(next.follows, {
    action: actionId,
    differences: [reason, 'main_pid of unit nginx.service changed from 1 to 0'],
  });
  assert.deepEqual([next.state, next.approvals, next.untrusted_reason], ['awaiting_approval', [], 'site is down']);
  const old = await actionDetail(h.deps, actionId);
  assert.deepEqual(next.requested_by, old.requested_by, 'the same requester');
  assert.notEqual(next.digest, old.digest);
  assert.match(
    next.status,
    /^Asked again, since act_\w+ was refused: active_state .* and 1 more\. Waits for one approval/,
  );
  assert.match(old.status, new RegExp(`The approval was not used; it was asked for again as ${next.id}`));
  assert.equal(old.approvals_given, 1);
  const card = cardOf(next);
  assert.deepEqual(card.differences, next.follows?.differences);
  const told = actionView(old, () => '');
  assert.deepEqual(
    [told.followed_by, told.next.includes(next.id)],
    [next.id, true],
    'the assistant is told where it went on',
  );
  assert.deepEqual((await h.events(actionId)).slice(-2), ['action.refused', 'action.asked_again']);
  const entry = await h.lastDetails('action.requested');
  assert.deepEqual([entry?.who.by, entry?.details.follows], ['system', actionId]);
  await h.answer(next.id);
  assert.equal(await dispatch(h.deps, next.id), 'sent');
});

test('when the assistant asks for the same itself meanwhile, there is one action for both', async (t) => {
  const h = await heart(t);
  const first = await h.ask();
  await drifted(h, first.actionId);
  const next = await again(h, first.actionId);
  assert.deepEqual(await h.ask(), { actionId: next, state: 'awaiting_approval', repeated: true });
  await h.answer(next, { verdict: 'reject' });
  const other = await h.ask();
  await drifted(h, other.actionId);
  const own = await h.ask();
  await askAgain(h.deps, other.actionId);
  const detail = await actionDetail(h.deps, other.actionId);
  assert.deepEqual([detail.followed_by, own.repeated], [null, false]);
  assert.match(detail.status, new RegExp(`not asked for again by itself: it was asked for again as ${own.actionId}`));
});

test('when it is asked for again at the same moment by two, there is one action', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await drifted(h, actionId);
  await Promise.all([askAgain(h.deps, actionId), askAgain(h.deps, actionId), askAgain(h.deps, actionId)]);
  const rows = await h.db.selectFrom('action').select('id').where('follows_action', '=', actionId).execute();
  assert.equal(rows.length, 1);
  assert.equal((await h.row(actionId)).not_followed, null);
});

test('when the state drifts again and again, it is asked for three times more and not a fourth', async (t) => {
  const h = await heart(t);
  let { actionId } = await h.ask();
  for (let n = 0; n < 3; n += 1) {
    await drifted(h, actionId);
    actionId = await again(h, actionId);
  }
  await drifted(h, actionId);
  await askAgain(h.deps, actionId);
  const { followed_by, status } = await actionDetail(h.deps, actionId);
  assert.deepEqual([followed_by, /its state changes again and again/.test(status)], [null, true]);
  assert.equal((await h.events(actionId)).at(-1), 'action.not_asked_again');
});

test('when policy allows the change without asking, a drift is put to a human and does not run in circles', async (t) => {
  const h = await heart(t, { policy: '  - {name: free, allow: true}' });
  const { actionId } = await h.ask();
  await drifted(h, actionId);
  const next = await actionDetail(h.deps, await again(h, actionId));
  assert.equal(next.state, 'awaiting_approval');
  assert.match(
    next.policy.why,
    /allows it without asking.*the state had changed before it could start, so it is asked for/,
  );
});

test('when the server is away, it is tried again until it returns or five minutes are over', async (t) => {
  const h = await heart(t);
  const asker = makeAsker(h.deps);
  const [one, two] = [await h.ask(), await h.ask({ unit: 'ssh' })];
  await drifted(h, one.actionId);
  await drifted(h, two.actionId);
  h.fleet.online.delete(web1);
  await asker.sweep();
  assert.equal((await h.row(one.actionId)).not_followed, null);
  h.fleet.online.add(web1);
  await askAgain(h.deps, one.actionId);
  assert.notEqual((await actionDetail(h.deps, one.actionId)).followed_by, null);
  await h.clock.pass(300_000);
  await asker.sweep();
  assert.match((await h.row(two.actionId)).not_followed ?? '', /too much time has passed/);
  await asker.sweep();
  assert.equal((await h.events(two.actionId)).filter((event) => event === 'action.not_asked_again').length, 1);
});

/** What keeps it from being asked again, for good. */
const inTheWay: [string, (h: Heart) => Promise<unknown>, RegExp][] = [
  ['policy denies it by now', (h) => h.setPolicy('  - {name: no, deny: {reason: Frozen.}}'), /Frozen\./],
  [
    'its token was revoked',
    (h) =>
      write(h.db, (trx) => trx.updateTable('token').set({ revoked_at: 1 }).where('id', '=', tokenOfAna.id).execute()),
    /may not ask any more/,
  ],
  [
    'its person was removed',
    (h) => write(h.db, (trx) => trx.updateTable('person').set({ removed_at: 1 }).where('role', '=', 'owner').execute()),
    /may not ask any more/,
  ],
  [
    'the server was removed',
    (h) => write(h.db, (trx) => trx.updateTable('server').set({ state: 'revoked' }).where('id', '=', web1).execute()),
    /web-1/,
  ],
];
for (const [what, change, words] of inTheWay)
  test(`when the state drifted and ${what}, it is not asked for again and says why`, async (t) => {
    const h = await heart(t);
    const { actionId } = await h.ask();
    await drifted(h, actionId);
    await change(h);
    await askAgain(h.deps, actionId);
    const detail = await actionDetail(h.deps, actionId);
    assert.equal(detail.followed_by, null);
    assert.match(detail.status, words);
  });

test('when nobody can be asked again, the new action is withdrawn and on record', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await drifted(h, actionId);
  h.telegram.reaches = false;
  h.web.reaches = false;
  assert.equal(await h.stateOf(await again(h, actionId)), 'withdrawn');
});

test('when a command or a file drifted, the same command and the same content are asked for again', async (t) => {
  const h = await heart(t);
  const command: Wanted = { kind: 'command', argv: ['ls', '-l'], cwd: '/tmp', timeout_s: 9 };
  const file: Wanted = {
    kind: 'file',
    path: '/etc/motd',
    content: 'hello\n',
    expected_sha256: null,
    validator: 'none',
  };
  for (const wanted of [command, file]) {
    const { actionId } = await h.ask({ wanted });
    await h.answer(actionId, { channel: 'web', strength: 'code' });
    await drifted(h, actionId);
    const next = await actionDetail(h.deps, await again(h, actionId));
    const { request: _, ...before } = (await actionDetail(h.deps, actionId)).plan;
    const { request: __, ...now } = next.plan;
    assert.deepEqual(now, before);
    await h.answer(next.id, { verdict: 'reject' });
  }
});

test('when all runs together, a refusal for drift is asked again by itself, and other refusals are not', async (t) => {
  const h = await heart(t);
  await using asker = makeAsker(h.deps);
  h.deps.followers.add(asker);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await drifted(h, actionId);
  await asker.sweep();
  const { followed_by } = await actionDetail(h.deps, actionId);
  assert.ok(followed_by);
  await waitForAction(h.deps, actionId, { ms: 0, signal: new AbortController().signal });
  await h.answer(followed_by);
  await dispatch(h.deps, followed_by);
  const fault = { code: 'grant_expired', slots: {} };
  await recordRefused(h.deps, web1, { actionId: followed_by, fault, at: h.clock.now() });
  await asker.sweep();
  assert.equal((await actionDetail(h.deps, followed_by)).followed_by, null);
  await assert.rejects(h.answer(actionId, { person: ben }), hasCode('already_decided'), 'the old one is over');
  assert.equal((await h.ask({ caller: assistant })).repeated, false);
});

test('when two previews are compared, each difference is a sentence and sameness is none', () => {
  const draft = { steps: [{ id: 'go', capability: 'unit.restart' }] } as PlanDraft;
  const before = previewOf(draft);
  assert.deepEqual(previewDifferences(before, before), []);
  const step = {
    ...(before.steps[0] ?? assert.fail()),
    argv: [['true']],
    diff: '+x',
    effects: ['none'],
    undo: 'by hand',
  };
  assert.deepEqual(
    previewDifferences(before, {
      predictable: true,
      witness: [{ subject: 'file /etc/x', property: 'sha256', value: null }],
      steps: [step, { ...step, step: 'more', undo: null }],
    }),
    [
      'active_state of unit nginx.service cannot be read any more',
      'sha256 of file /etc/x is new: null',
      'step go now runs [["true"]]',
      'step go now changes the file in another way',
      'step go now has these effects: none',
      'step go is now taken back so: by hand',
      'step more is new',
    ],
  );
  assert.deepEqual(previewDifferences({ ...before, steps: [step] }, { ...before, steps: [{ ...step, undo: null }] }), [
    'step go is now taken back so: not at all',
  ]);
});
