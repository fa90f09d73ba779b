import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertPasskey } from '../../src/access/passkey.store.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { cardOf } from '../../src/approvals/card.ts';
import { write } from '../../src/storage/write.ts';
import { ana, ben, type Heart, hasCode, heart } from './heart.ts';
import { type Approver, ed25519Approver, lockWith, passkeyApprover } from './locks.ts';
import { previewOf } from './small-fleet.ts';

const inWeb = { channel: 'web', strength: 'session', secondTap: undefined } as const;
const inCli = { ...inWeb, channel: 'cli' } as const;

async function signed(h: Heart, actionId: string, by: Approver) {
  return by.sign((await h.row(actionId)).digest);
}

test('T1: when a server is locked, an approval counts only with a signature by a key that it pins', async (t) => {
  const h = await heart(t);
  const [own, other] = [ed25519Approver(), ed25519Approver()];
  await h.lock(lockWith({ ben: [own] }));
  const { actionId } = await h.ask();
  const { digest } = await h.row(actionId);
  await assert.rejects(h.answer(actionId, inWeb), hasCode('signature_needed', /web-1 is locked/));
  await assert.rejects(
    h.answer(actionId, { ...inWeb, signature: other.sign(digest) }),
    hasCode('signature_invalid', /not one that is pinned/),
  );
  await assert.rejects(
    h.answer(actionId, { ...inWeb, signature: own.sign('0'.repeat(64)) }),
    hasCode('signature_invalid', /over something else/),
  );
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
  assert.deepEqual((await h.events(actionId)).slice(1), Array(3).fill('approval.refused'));
  const decided = await h.answer(actionId, { ...inCli, strength: 'code', signature: own.sign(digest) });
  assert.equal(decided.outcome, 'approved');
  const { approvals } = await actionDetail(h.deps, actionId);
  assert.deepEqual([approvals[0]?.signed_with, approvals[0]?.strength], [own.key, 'code']);
  assert.equal((await h.lastDetails('action.approved'))?.details.signed_with, own.key);
  await dispatch(h.deps, actionId);
  assert.deepEqual(h.fleet.grants[0]?.grant.approvals[0]?.signature, own.sign(digest), 'the grant carries it');
});

test('T1: when a passkey that is pinned signs, it counts as passkey; one for another page does not count', async (t) => {
  const h = await heart(t);
  const good = passkeyApprover();
  const elsewhere = passkeyApprover({ rpId: 'evil.example.org', origin: 'https://evil.example.org' });
  await h.lock(lockWith({ ben: [good], eve: [elsewhere] }));
  const { actionId } = await h.ask({ risk: 'high' });
  const { digest } = await h.row(actionId);
  await assert.rejects(
    h.answer(actionId, { ...inWeb, signature: elsewhere.sign(digest) }),
    hasCode('signature_invalid', /page that is not pinned/),
  );
  await h.answer(actionId, { ...inWeb, signature: good.sign(digest) });
  const { approvals, state } = await actionDetail(h.deps, actionId);
  assert.deepEqual([state, approvals[0]?.strength], ['approved', 'passkey'], 'high risk needs no typed name beside it');
});

test('T1: when the lock asks for two, holders are counted, and two people with keys of one holder are one', async (t) => {
  const h = await heart(t);
  const [first, second, third] = [ed25519Approver(), ed25519Approver(), passkeyApprover()];
  await h.lock(lockWith({ ben: [first, second], ana: [third] }, { medium: 2 }));
  const { actionId } = await h.ask();
  const asked = await actionDetail(h.deps, actionId);
  assert.deepEqual([asked.approvals_needed, asked.lock?.needed, asked.lock?.signed], [2, 2, []]);
  assert.match(asked.status, /^Waits for 2 signed approvals .* can approve by web or cli;/);
  assert.match(asked.policy.why, /the server is locked and counts only 2 signatures/);
  const by = (signature: Awaited<ReturnType<typeof signed>>, person = ben) => ({ ...inWeb, person, signature });
  assert.equal((await h.answer(actionId, by(await signed(h, actionId, first)))).missing, 1);
  await assert.rejects(
    h.answer(actionId, by(await signed(h, actionId, second), ana)),
    hasCode('signature_invalid', /ben has signed already, for Ben/),
  );
  await assert.rejects(h.answer(actionId, by(await signed(h, actionId, third))), hasCode('already_voted', /1/));
  assert.deepEqual((await actionDetail(h.deps, actionId)).lock?.signed, ['ben']);
  assert.equal((await h.answer(actionId, by(await signed(h, actionId, third), ana))).outcome, 'approved');
});

test('T4: when a server is locked, Telegram cannot approve and can reject, and its card says why the page must be opened', async (t) => {
  const h = await heart(t);
  const key = ed25519Approver();
  await h.lock(lockWith({ ben: [key] }));
  const { actionId } = await h.ask();
  await assert.rejects(h.answer(actionId), hasCode('channel_too_weak', /web-1 is locked and counts only signatures/));
  await assert.rejects(
    h.answer(actionId, { signature: await signed(h, actionId, key) }),
    hasCode('channel_too_weak'),
    'not even with a signature',
  );
  assert.match(cardOf(await actionDetail(h.deps, actionId)).mustOpen ?? '', /Server web-1 is locked/);
  assert.equal((await h.answer(actionId, { verdict: 'reject' })).outcome, 'rejected');
});

test('T1: when policy allows a change on a locked server, it is asked for all the same, and the reason is said', async (t) => {
  const h = await heart(t, { policy: '  - {name: free, allow: true}' });
  await h.lock(lockWith({ ben: [ed25519Approver()] }));
  const { actionId } = await h.ask();
  const detail = await actionDetail(h.deps, actionId);
  assert.equal(detail.state, 'awaiting_approval');
  assert.match(
    detail.policy.why,
    /^Rule free allows it without asking .* But the server is locked .* so it is asked for\.$/,
  );
});

test('T1: when policy takes only taps, a locked server can be approved on its page', async (t) => {
  const h = await heart(t, { policy: '  - {name: taps, ask: {channels: [telegram]}}' });
  const key = ed25519Approver();
  await h.lock(lockWith({ ben: [key] }));
  const { actionId } = await h.ask();
  const signature = await signed(h, actionId, key);
  assert.equal((await h.answer(actionId, { ...inWeb, signature })).outcome, 'approved');
});

test('T1: when a server is locked after an approval without a signature, nothing is sent', async (t) => {
  for (const policy of [undefined, '  - {name: free, allow: true}']) {
    const h = await heart(t, policy === undefined ? {} : { policy });
    const lock = () => h.lock(lockWith({ ben: [ed25519Approver()] }));
    // What policy allows leaves at once: there the lock comes while the server is asked.
    if (policy !== undefined)
      h.fleet.answer = async (draft) => {
        await lock();
        return previewOf(draft);
      };
    const { actionId } = await h.ask();
    if (policy === undefined) await h.answer(actionId);
    if (policy === undefined) await lock();
    assert.equal(await dispatch(h.deps, actionId), 'revoked');
    const { state, error } = await actionDetail(h.deps, actionId);
    assert.deepEqual([state, error?.code, h.fleet.grants.length], ['denied', 'signature_needed', 0]);
  }
});

test('T1: when a key is taken out of the lock before the second approval, its signature counts no more and can be given anew', async (t) => {
  const h = await heart(t);
  const [lost, fresh, other] = [ed25519Approver(), ed25519Approver(), ed25519Approver()];
  await h.lock(lockWith({ ben: [lost, fresh], ana: [other] }, { medium: 2 }));
  const { actionId } = await h.ask();
  const by = async (key: Approver, person = ben) => ({ ...inWeb, person, signature: await signed(h, actionId, key) });
  await h.answer(actionId, await by(lost));
  await h.lock(lockWith({ ben: [fresh], ana: [other] }, { medium: 2 }));
  assert.equal((await h.answer(actionId, await by(other, ana))).missing, 1, 'the lost key is not counted');
  assert.equal((await h.answer(actionId, await by(fresh))).outcome, 'approved');
});

test('T1: when a lock was ended, its server believes the control plane again', async (t) => {
  const h = await heart(t);
  await h.lock({ ...lockWith({ ben: [ed25519Approver()] }), disabled: true });
  const { actionId } = await h.ask();
  assert.equal((await actionDetail(h.deps, actionId)).lock, null);
  assert.equal((await h.answer(actionId)).outcome, 'approved');
});

test('T4: when there is no lock, a signature counts only by a passkey of the own account', async (t) => {
  const h = await heart(t, { policy: '  - {name: strong, ask: {strength: passkey}}' });
  const [bens, anas, file] = [passkeyApprover(), passkeyApprover(), ed25519Approver()];
  const passkey = { name: 'phone', cose_key: '', counter: 0, transports_json: '[]', created_at: 0, last_used_at: null };
  await write(h.db, async (trx) => {
    await insertPasskey(trx, { ...passkey, id: 'psk_1', credential_id: 'a', person_id: ben.id, public_key: bens.key });
    await insertPasskey(trx, { ...passkey, id: 'psk_2', credential_id: 'b', person_id: ana.id, public_key: anas.key });
  });
  const { actionId } = await h.ask();
  const by = async (key: Approver) => ({ ...inWeb, signature: await signed(h, actionId, key) });
  await assert.rejects(h.answer(actionId, inWeb), hasCode('channel_too_weak', /at least passkey, it was session/));
  await assert.rejects(h.answer(actionId, await by(anas)), hasCode('signature_invalid', /none of yours/));
  await assert.rejects(h.answer(actionId, await by(file)), hasCode('signature_invalid', /no lock that names its key/));
  await assert.rejects(
    h.answer(actionId, { ...inWeb, signature: bens.sign('1'.repeat(64)) }),
    hasCode('signature_invalid', /over something else/),
  );
  assert.equal((await h.answer(actionId, await by(bens))).outcome, 'approved');
});
