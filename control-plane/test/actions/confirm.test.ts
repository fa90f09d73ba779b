import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, type Plan } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { confirmAction } from '../../src/actions/confirm-action.ts';
import { confirmDue } from '../../src/actions/confirm-due.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { loseDue } from '../../src/actions/lose-due.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { recordStep } from '../../src/actions/record-step.ts';
import { resumeServer } from '../../src/actions/resume-server.ts';
import type { Caller } from '../../src/ports.ts';
import { write } from '../../src/storage/write.ts';
import { anaAtDashboard, ben, type Heart, hasCode, heart, resultOf, web1 } from './heart.ts';
import { type Approver, ed25519Approver, lockWith } from './locks.ts';

const benAtDashboard: Caller = { ...anaAtDashboard, person: { ...ben, role: 'approver' } };

/** As if its plan had been one that changes the firewall. */
async function couldLockOut(h: Heart, actionId: string): Promise<void> {
  const plan = JSON.parse((await h.row(actionId)).plan_json) as Plan;
  const plan_json = canonicalJson({ ...plan, confirm: { within_ms: 60_000, because: 'It changes the firewall.' } });
  await write(h.db, (trx) => trx.updateTable('action').set({ plan_json }).where('id', '=', actionId).execute());
}

/** An action whose steps are done, and whose server takes it back in a minute unless it is confirmed. */
async function confirming(h: Heart, approval: object = {}) {
  const { actionId } = await h.ask();
  await h.answer(actionId, approval);
  await dispatch(h.deps, actionId);
  await recordStarted(h.deps, web1, { actionId, at: h.clock.now() });
  await couldLockOut(h, actionId);
  const until = h.clock.now() + 60_000;
  await recordStep(h.deps, web1, { actionId, step: 'go', phase: 'confirming', until });
  return { actionId, digest: (await h.row(actionId)).digest };
}

test('when a change waits to be confirmed, its status says until when, and a confirmation reaches the server', async (t) => {
  const h = await heart(t);
  const { actionId } = await confirming(h);
  const waits = await actionDetail(h.deps, actionId);
  assert.equal(waits.confirm_by, '2026-11-20T02:14:00.000Z');
  assert.match(
    waits.status,
    /^Done on web-1, which takes it back by itself at 02:14 UTC unless somebody confirms that it can still be reached\. Whoever may approve can confirm\.$/,
  );
  await confirmAction(h.deps, benAtDashboard, { actionId });
  assert.deepEqual(h.fleet.confirmations, [{ actionId, signatures: [] }]);
  assert.match((await actionDetail(h.deps, actionId)).status, /confirmed by Ben; web-1 is being told/);
  assert.equal((await h.lastDetails('action.confirmed'))?.who.person?.name, 'Ben');
  await recordFinished(h.deps, web1, { actionId, result: resultOf('succeeded') });
  const done = await actionDetail(h.deps, actionId);
  assert.deepEqual([done.state, done.confirm_by], ['succeeded', null]);
  await assert.rejects(confirmAction(h.deps, benAtDashboard, { actionId }), hasCode('nothing_to_confirm', /succeeded/));
});

test('when nothing waits to be confirmed, a confirmation is refused', async (t) => {
  const h = await heart(t);
  await assert.rejects(
    confirmAction(h.deps, benAtDashboard, { actionId: 'act_000000000000' }),
    hasCode('action_not_found'),
  );
  const { actionId } = await confirming(h);
  await recordStep(h.deps, web1, { actionId, step: 'go', phase: 'undoing' });
  assert.equal((await actionDetail(h.deps, actionId)).confirm_by, null);
  await assert.rejects(confirmAction(h.deps, benAtDashboard, { actionId }), hasCode('nothing_to_confirm', /running/));
  assert.equal((await h.lastDetails('confirmation.refused'))?.details.error, 'nothing_to_confirm');
});

test('T1: when the server is locked, a confirmation is signed, and as many holders as the lock asks for are waited for', async (t) => {
  const h = await heart(t);
  const [a, a2, b] = [ed25519Approver(), ed25519Approver(), ed25519Approver()];
  const one = lockWith({ ana: [a, a2], ben: [b] });
  await h.lock(one);
  const { actionId } = await h.ask();
  const { digest } = await h.row(actionId);
  await h.answer(actionId, { channel: 'web', strength: 'session', signature: b.sign(digest) });
  await dispatch(h.deps, actionId);
  await recordStarted(h.deps, web1, { actionId, at: h.clock.now() });
  await recordStep(h.deps, web1, { actionId, step: 'go', phase: 'confirming', until: h.clock.now() + 60_000 });
  await h.lock({ ...one, signatures: { ...one.signatures, medium: 2 } });
  const over = confirmationDigest(actionId, digest);
  const give = (caller: Caller, by?: Approver, text = over) =>
    confirmAction(h.deps, caller, { actionId, signature: by?.sign(text) });
  await assert.rejects(give(benAtDashboard), hasCode('signature_needed'));
  await assert.rejects(give(benAtDashboard, b, digest), hasCode('signature_invalid', /over something else/));
  await assert.rejects(give(benAtDashboard, ed25519Approver()), hasCode('signature_invalid', /not one that is pinned/));
  await give(anaAtDashboard, a);
  await give(benAtDashboard, a2);
  assert.deepEqual(h.fleet.confirmations, [], 'two keys of one holder are one');
  assert.match((await actionDetail(h.deps, actionId)).status, /Confirmed by Ben; one confirmation more needed\./);
  await give(benAtDashboard, b);
  assert.deepEqual(h.fleet.confirmations, [{ actionId, signatures: [a2.sign(over), b.sign(over)] }]);
});

test('when the server cannot be told, it is told again, at once when it returns', async (t) => {
  const h = await heart(t);
  const { actionId } = await confirming(h);
  h.fleet.online.delete(web1);
  await confirmAction(h.deps, benAtDashboard, { actionId });
  await confirmDue(h.deps);
  assert.equal(h.fleet.confirmations.length, 0);
  h.fleet.online.add(web1);
  await resumeServer(h.deps, web1);
  assert.equal(h.fleet.confirmations.length, 1);
  await confirmDue(h.deps);
  assert.equal(h.fleet.confirmations.length, 2, 'until the server says how it ended');
});

test('when a change may lock the server out, its silence is waited for until it took everything back', async (t) => {
  const h = await heart(t);
  const { actionId } = await confirming(h);
  h.fleet.online.delete(web1);
  const watching = { watchingSince: 0 };
  await h.clock.pass(180_000);
  await loseDue(h.deps, watching);
  assert.equal(await h.stateOf(actionId), 'running', 'it may be taking everything back now');
  await h.clock.pass(3_600_000);
  await loseDue(h.deps, watching);
  assert.equal(await h.stateOf(actionId), 'unknown');
});

test('when a server names a far day until which it waits, it is believed no longer than its plan says', async (t) => {
  const h = await heart(t);
  const { actionId } = await confirming(h);
  await recordStep(h.deps, web1, { actionId, step: 'go', phase: 'confirming', until: h.clock.now() + 10 ** 12 });
  assert.equal((await h.row(actionId)).confirm_by, h.clock.now() + 60_000);
});

test('when the clock of the server is off, the time to confirm is told by ours', async (t) => {
  const h = await heart(t);
  await write(h.db, (trx) => trx.updateTable('server').set({ clock_offset_ms: 30_000 }).execute());
  const { actionId } = await confirming(h);
  assert.equal((await h.row(actionId)).confirm_by, h.clock.now() + 30_000);
});
