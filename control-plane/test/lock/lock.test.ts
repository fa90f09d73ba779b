import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LockState, SignedLockChange } from '@countersign/protocol';
import { followChange, stateDigest } from '@countersign/protocol/follow-lock';
import { makeSigningKey } from '@countersign/protocol/signing';
import { audited, until } from '../fleet/fleet-world.ts';
import { assistant, operationsWorld, owner, proof, wrongProof } from '../fleet/operations-world.ts';
import { ada, addCy, bo, cy, lockOf, RECOVERY, signed } from './locks.ts';

const anotherChain = 'lck_000000000002';

/** A policy that pins a state. */
const pins = (lock: LockState) => ({ policy: { lock } });

test('when a lock is kept, it is shown, audited, and kept once; another one is refused', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  await world.call('initLock', { state: lock, proof });
  const shown = await world.call('getLock', {});
  assert.deepEqual([shown.state, shown.state_digest, shown.first], [lock, stateDigest(lock), lock]);
  const entries = await audited(world, 'lock.initialised');
  assert.equal(entries.length, 1);
  assert.deepEqual(entries[0]?.details, {
    ...{ chain: lock.chain, number: 0, digest: stateDigest(lock), holders: ['Ada', 'Bo'], again: false },
  });
  await assert.rejects(world.call('initLock', { state: lockOf({ chain: anotherChain }), proof }), {
    code: 'lock_exists',
  });
});

test('T25: when the proof is wrong, or it is no owner who asks, no lock is kept', async () => {
  await using world = await operationsWorld();
  const state = lockOf();
  await assert.rejects(world.call('initLock', { state, proof: wrongProof }), { code: 'sign_in_failed' });
  const approver = { ...owner, person: { ...owner.person, role: 'approver' as const } };
  await assert.rejects(world.as(approver)('initLock', { state, proof }), { code: 'forbidden' });
  await assert.rejects(world.as(assistant)('initLock', { state, proof }), { code: 'forbidden' });
  assert.equal((await world.call('getLock', {})).state, null);
});

test('when nobody could open a lock, it is refused', async () => {
  await using world = await operationsWorld();
  const impossible = [
    lockOf({ signatures: { low: 1, medium: 1, high: 1, critical: 3, change: 1 } }),
    lockOf({
      keys: [
        { key: ada.publicKey, holder: 'Ada' },
        { key: ada.publicKey, holder: 'Bo' },
      ],
    }),
    lockOf({ disabled: true }),
  ];
  for (const state of impossible)
    await assert.rejects(world.call('initLock', { state, proof }), { code: 'lock_change_invalid' });
});

test('T25: when a change is not signed by enough present holders, or for another state, it is refused', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await assert.rejects(world.call('changeLock', { change: addCy(lock) }), { code: 'lock_missing' });
  await world.call('initLock', { state: lock, proof });
  const wrong: SignedLockChange[] = [
    addCy(lock, []),
    addCy(lock, [makeSigningKey()]),
    addCy(lock, [cy]),
    addCy(lockOf({ chain: anotherChain })),
    signed(lock, { kind: 'disable', secret: 'not the secret of this lock' }, [ada, bo]),
    { ...addCy(lock), signatures: addCy(lockOf({ number: 7 })).signatures },
  ];
  for (const change of wrong)
    await assert.rejects(world.call('changeLock', { change }), { code: 'lock_change_invalid' });
  assert.deepEqual((await world.call('getLock', {})).changes, []);
  assert.deepEqual(await audited(world, 'lock.changed'), []);
});

test('when a signed change comes, even twice, the lock has its next state, and the log says who signed', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const change = addCy(lock);
  const made = await world.call('changeLock', { change });
  assert.deepEqual(await world.call('changeLock', { change }), made, 'asked again after a lost answer');
  assert.deepEqual(made, { state: followChange(lock, change), state_digest: stateDigest(followChange(lock, change)) });
  const [entry, ...more] = await audited(world, 'lock.changed');
  assert.deepEqual(more, []);
  assert.deepEqual(entry?.details.signed_by, ['Ada', 'Bo']);
  assert.deepEqual([entry?.details.change, entry?.details.holder], ['add', 'Cy']);
  assert.equal((await world.call('getLock', {})).changes.length, 1);
});

test('when two approvers change the same state at once, one change is made and the other is told', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const di = { key: makeSigningKey().publicKey, holder: 'Di' };
  const both = [addCy(lock), signed(lock, { kind: 'add', key: di }, [bo])];
  const outcomes = await Promise.allSettled(both.map((change) => world.call('changeLock', { change })));
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal((await world.call('getLock', {})).state?.number, 1);
});

test('when the lock was ended with its secret, the secret is in no audit entry and shown to nobody, and another lock may begin', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const { state } = await world.call('changeLock', {
    change: signed(lock, { kind: 'disable', secret: RECOVERY }, []),
  });
  assert.equal(state.disabled, true);
  const bodies = await world.db.selectFrom('audit_entry').select('body').execute();
  assert.ok(bodies.every(({ body }) => !body.includes(RECOVERY)));
  const shown = await world.call('getLock', {});
  assert.equal(shown.changes.at(-1)?.change.change.change.kind, 'disable');
  assert.ok(!JSON.stringify(shown).includes(RECOVERY));
  await assert.rejects(world.call('changeLock', { change: addCy(state) }), { code: 'lock_change_invalid' });
  const next = lockOf({ chain: anotherChain });
  await world.call('initLock', { state: next, proof });
  assert.deepEqual((await world.call('getLock', {})).state, next);
});

test('when the database was lost, a later state of the lock is taken as the first one here', async () => {
  await using world = await operationsWorld();
  const later = followChange(lockOf(), addCy(lockOf()));
  await world.call('initLock', { state: later, proof });
  const shown = await world.call('getLock', {});
  assert.deepEqual([shown.first, shown.changes], [later, []]);
  const { state } = await world.call('changeLock', { change: signed(later, { kind: 'remove', key: cy.publicKey }) });
  assert.equal(state.number, 2);
});

test('when a server comes with an older state, it is handed what it lacks, and follows by itself', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const first = addCy(lock);
  const then = signed(followChange(lock, first), { kind: 'remove', key: cy.publicKey });
  await world.call('changeLock', { change: first });
  const { state } = await world.call('changeLock', { change: then });
  const { agent } = await world.enrolled('web-1', pins(lock));
  await until('it follows', async () => (await standing(world, 'web-1')) === 'following');
  assert.deepEqual(agent.trust.policy.lock, state);
  assert.equal(agent.received.filter(({ type }) => type === 'lock_changes').length, 1, 'once is enough');
  const [told] = await audited(world, 'server.policy_changed');
  assert.deepEqual([told?.details.locked, told?.details.lock_number], [true, 2]);
});

test('when the lock changes, servers that are connected hear of it at once, and others when they return', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const { agent } = await world.enrolled('web-1', pins(lock));
  const { agent: away } = await world.enrolled('web-2', pins(lock));
  await away.close();
  await world.call('changeLock', { change: addCy(lock) });
  await until('the one follows', async () => (await standing(world, 'web-1')) === 'following');
  assert.equal(agent.trust.policy.lock?.number, 1);
  assert.equal(await standing(world, 'web-2'), 'behind');
  await away.connect();
  await until('the other follows', async () => (await standing(world, 'web-2')) === 'following');
});

test('T1: when a server pins another lock, none, an ended one, or says nothing yet, that is shown and nothing is sent', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  const agents = [
    await world.enrolled('other', pins(lockOf({ chain: anotherChain }))),
    await world.enrolled('ahead', pins(lockOf({ number: 5 }))),
    await world.enrolled('ended', pins(lockOf({ disabled: true, number: 1 }))),
    await world.enrolled('open'),
  ];
  await world.add('silent');
  await world.call('changeLock', { change: addCy(lock) });
  const shown = await world.call('getLock', {});
  assert.deepEqual(Object.fromEntries(shown.servers.map((it) => [it.server.name, it.state])), {
    ...{ ahead: 'other_lock', ended: 'disabled', open: 'unlocked', other: 'other_lock', silent: 'unknown' },
  });
  for (const { id, agent } of agents) {
    await world.fleet.registry.observe(id, 'overview', {}); // frames keep their order: this came after
    assert.ok(!agent.received.some(({ type }) => type === 'lock_changes'));
  }
});

test('when a server lacks more changes than a frame takes, it gets them one frame after the other', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  let state = lock;
  for (let n = 0; n < 130; n += 1) {
    const signatures = { ...lock.signatures, low: 1 + (n % 2) };
    ({ state } = await world.call('changeLock', { change: signed(state, { kind: 'require', signatures }) }));
  }
  const { agent } = await world.enrolled('web-1', pins(lock));
  await until('it follows', async () => (await standing(world, 'web-1')) === 'following');
  assert.equal(agent.trust.policy.lock?.number, 130);
  const frames = agent.received.flatMap((it) => (it.type === 'lock_changes' ? [it.changes.length] : []));
  assert.deepEqual(frames, [100, 30]);
});

test('when a server does not follow what it is handed, it is not sent the same again and again', async () => {
  await using world = await operationsWorld();
  const lock = lockOf();
  await world.call('initLock', { state: lock, proof });
  await world.call('changeLock', { change: addCy(lock) });
  const { id, token } = await world.add('web-1');
  const agent = world.agent({ token, ...pins(lock) });
  agent.trust.follow = () => agent.trust.policy;
  await agent.connect();
  await until('it was handed on', () => agent.received.some(({ type }) => type === 'lock_changes'));
  for (let n = 0; n < 20; n += 1) await world.fleet.registry.observe(id, 'overview', {});
  assert.equal(agent.received.filter(({ type }) => type === 'lock_changes').length, 1);
  assert.equal(await standing(world, 'web-1'), 'behind');
});

async function standing(world: Awaited<ReturnType<typeof operationsWorld>>, name: string) {
  return (await world.call('getLock', {})).servers.find(({ server }) => server.name === name)?.state;
}
