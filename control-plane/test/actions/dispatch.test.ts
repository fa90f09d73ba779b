import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantSchema, type SignedGrant } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { verifyValue } from '@countersign/protocol/signing';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { makeDispatcher } from '../../src/actions/dispatcher.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { resendDue } from '../../src/actions/resend-due.ts';
import { resumeServer } from '../../src/actions/resume-server.ts';
import { write } from '../../src/storage/write.ts';
import { ben, db1, type Heart, heart, resultOf, web1 } from './heart.ts';
import { previewOf } from './small-fleet.ts';

async function approved(h: Heart, change: Parameters<Heart['ask']>[0] = {}): Promise<string> {
  const { actionId } = await h.ask(change);
  await h.answer(actionId);
  return actionId;
}

test('when an action is dispatched, the grant holds the plan, its digest and who approved, signed by the control plane', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  const row = await h.row(actionId);
  assert.equal(await dispatch(h.deps, actionId), 'sent');
  const { grant, key, signature } = h.fleet.grants[0] as SignedGrant;
  assert.ok(verifyValue('grant', grant, signature, key));
  assert.equal(key, h.deps.key.publicKey);
  assert.deepEqual(grantSchema.parse(grant), grant);
  assert.deepEqual([grant.actionId, grant.digest, digestOf(grant.plan)], [actionId, row.digest, row.digest]);
  assert.deepEqual(
    [grant.approvals[0]?.person, grant.approvals[0]?.digest, grant.approvals[0]?.channel],
    [ben, row.digest, 'telegram'],
  );
  assert.deepEqual([grant.issuedAt, grant.expiresAt], [h.clock.now(), row.start_by]);
});

test('when the frame leaves, the change to dispatched is on disk already', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  let then: string | undefined;
  h.fleet.beforeDispatch = async () => {
    then = await h.stateOf(actionId);
  };
  await dispatch(h.deps, actionId);
  assert.equal(then, 'dispatched');
});

test('when a dispatcher follows, an approval sends the grant by itself, and the end of one action lets the next on the same thing go', async (t) => {
  const h = await heart(t);
  await using dispatcher = makeDispatcher(h.deps);
  h.deps.followers.add(dispatcher);
  const first = await h.ask();
  await h.clock.pass(11 * 60_000); // else it were the same request
  const second = await h.ask();
  await h.answer(first.actionId);
  await h.answer(second.actionId);
  while (h.fleet.grants.length < 1) await h.clock.pass(0);
  for (let n = 0; n < 20; n += 1) await h.clock.pass(0);
  assert.deepEqual([await h.stateOf(first.actionId), await h.stateOf(second.actionId)], ['dispatched', 'approved']);
  await recordFinished(h.deps, web1, { actionId: first.actionId, result: resultOf('succeeded') });
  while (h.fleet.grants.length < 2) await h.clock.pass(0);
  assert.equal(await h.stateOf(second.actionId), 'dispatched');
});

test('when many are approved at once on one server, each is sent once', async (t) => {
  const h = await heart(t, { limits: { pendingMost: 100 } });
  await using dispatcher = makeDispatcher(h.deps);
  h.deps.followers.add(dispatcher);
  const ids = [];
  for (let n = 0; n < 20; n += 1) ids.push((await h.ask({ unit: `app-${n}` })).actionId);
  await Promise.all(ids.map((id) => h.answer(id)));
  while (h.fleet.grants.length < 20) await h.clock.pass(0);
  assert.deepEqual(h.fleet.grants.map(({ grant }) => grant.actionId).sort(), ids.toSorted());
});

test('when the server is away, the action waits, starts when the server returns in time, and expires when it does not', async (t) => {
  const h = await heart(t);
  const [one, two] = [await approved(h), await approved(h, { server: db1 })];
  h.fleet.online.clear();
  assert.equal(await dispatch(h.deps, one), 'waiting');
  assert.match((await actionDetail(h.deps, one)).status, /web-1 is offline: it starts when the server returns/);
  await h.clock.pass(60_000);
  h.fleet.online.add(web1);
  await resumeServer(h.deps, web1);
  assert.equal(await h.stateOf(one), 'dispatched');
  await h.clock.pass(60_000);
  h.fleet.online.add(db1);
  await resumeServer(h.deps, db1);
  assert.equal(await h.stateOf(two), 'expired');
  assert.deepEqual(
    h.fleet.grants.map(({ grant }) => grant.actionId),
    [one],
  );
});

test('when policy denies by the time of dispatch, nothing is sent', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  await h.setPolicy('  - {name: frozen, deny: {reason: Frozen.}}');
  assert.equal(await dispatch(h.deps, actionId), 'revoked');
  const { state, error } = await actionDetail(h.deps, actionId);
  assert.deepEqual([state, error?.code], ['denied', 'policy_denies']);
  assert.deepEqual(h.fleet.grants, []);
});

test('when policy asks for more by the time of dispatch than was given, nothing is sent', async (t) => {
  const h = await heart(t);
  for (const rule of ['approvals: 2', 'channels: [web]', 'strength: code']) {
    const actionId = await approved(h, { unit: `app-${rule.length}` });
    await h.setPolicy(`  - {name: more, ask: {${rule}}}`);
    assert.equal(await dispatch(h.deps, actionId), 'revoked', rule);
    await h.setPolicy('  - {name: usual, ask: {}}');
  }
});

test('when policy allowed it and asks by the time of dispatch, nothing is sent', async (t) => {
  const h = await heart(t, { policy: '  - {name: free, allow: true}' });
  h.fleet.answer = async (draft) => {
    await h.setPolicy('  - {name: ask, ask: {}}');
    return previewOf(draft);
  };
  const { actionId } = await h.ask();
  assert.deepEqual([await h.stateOf(actionId), h.fleet.grants.length], ['approved', 0]);
  assert.equal(await dispatch(h.deps, actionId), 'revoked');
});

test('T8: when the plan is changed in the store after its approval, it is never sent', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  const { plan_json } = await h.row(actionId);
  for (const changed of [plan_json.replaceAll('nginx.service', 'other.service'), 'not json'])
    await write(h.db, (trx) =>
      trx.updateTable('action').set({ plan_json: changed }).where('id', '=', actionId).execute(),
    );
  assert.equal(await dispatch(h.deps, actionId), 'revoked');
  assert.equal((await h.lastDetails('action.revoked'))?.details.error, 'digest_mismatch');
  assert.deepEqual(h.fleet.grants, []);
});

test('when the digest in the store is changed together with the plan, the approvals do not fit any more', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  const { plan_json } = await h.row(actionId);
  const changed = plan_json.replaceAll('nginx.service', 'other.service');
  await write(h.db, (trx) =>
    trx
      .updateTable('action')
      .set({ plan_json: changed, digest: digestOf(JSON.parse(changed)) })
      .where('id', '=', actionId)
      .execute(),
  );
  assert.equal(await dispatch(h.deps, actionId), 'revoked');
});

test('T11: when two dispatch the same action at once, the grant leaves once', async (t) => {
  const h = await heart(t);
  const actionId = await approved(h);
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => dispatch(h.deps, actionId)));
  assert.deepEqual(outcomes.toSorted(), ['not_approved', 'not_approved', 'not_approved', 'not_approved', 'sent']);
  assert.equal(h.fleet.grants.length, 1);
});

test('F2: when the frame could not leave, the very same grant is sent when the server returns', async (t) => {
  const h = await heart(t);
  const [lost, kept] = [await approved(h), await approved(h, { unit: 'ssh' })];
  await dispatch(h.deps, kept);
  h.fleet.beforeDispatch = () => Promise.reject(new Error('connection lost'));
  await dispatch(h.deps, lost);
  h.fleet.beforeDispatch = async () => undefined;
  await h.clock.pass(5000);
  await resumeServer(h.deps, web1);
  const sent = h.fleet.grants.filter(({ grant }) => grant.actionId === kept);
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[0], sent[1]);
  assert.equal(h.fleet.grants.filter(({ grant }) => grant.actionId === lost).length, 1);
});

test('when a grant is not answered, it is sent again after ten seconds, not before', async (t) => {
  const h = await heart(t);
  await dispatch(h.deps, await approved(h));
  await h.clock.pass(9_999);
  await resendDue(h.deps);
  assert.equal(h.fleet.grants.length, 1);
  await h.clock.pass(1);
  await resendDue(h.deps);
  assert.equal(h.fleet.grants.length, 2);
});
