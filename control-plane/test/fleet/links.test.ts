import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnedAway } from '../../../test/load/simulated-agent.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { fleetLimits } from '../../src/fleet/limits.ts';
import { isQuarantined } from '../../src/fleet/quarantine.store.ts';
import { renewEnrolment } from '../../src/fleet/renew-enrolment.ts';
import { closeCodes } from '../../src/fleet/wire.ts';
import { audited, fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';
import { operationsWorld, proof, wrongProof } from './operations-world.ts';

test('T2: when a second agent uses the identity of a live one, it is turned away, audited, and an alert fires', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  const copy = world.agent({ key: agent.key, serverId: id });
  await assert.rejects(copy.connect(), (error) => {
    assert.ok(error instanceof TurnedAway);
    assert.equal(error.ending.fault?.code, 'agent_duplicate');
    assert.equal(error.ending.code, closeCodes.duplicate);
    return true;
  });
  assert.ok(agent.isOpen, 'the older one stays');
  await until('the alert fires', async () => (await alerts(world)).length === 1);
  const [alert] = await alerts(world);
  assert.equal(alert?.kind, 'agent_duplicate');
  assert.equal(alert?.severity, 'critical');
  assert.equal(alert?.server_id, id);
  assert.equal((await audited(world, 'server.duplicated'))[0]?.server_id, id);
  await assert.rejects(copy.connect());
  assert.equal((await alerts(world)).length, 1, 'a second try is the same alert');
});

test('T2: when the server of a copied key is enrolled anew, the alert is resolved and the quarantine ends', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await assert.rejects(world.agent({ key: agent.key, serverId: id }).connect());
  await until('the alert fires', async () => (await alerts(world))[0]?.state === 'firing');
  const { token } = await renewEnrolment(world.core, whoIs('system'), id);
  await world.agent({ token }).connect();
  await until('the alert is resolved', async () => (await alerts(world))[0]?.state === 'resolved');
  assert.equal(await isQuarantined(world.core.db, id), false);
});

test('T2: when a second agent used an identity, its server stays in quarantine until an owner releases it', async () => {
  await using world = await operationsWorld();
  const { id, agent } = await world.enrolled('web-1');
  const release = (given: typeof proof | typeof wrongProof) =>
    world.call('releaseServer', { server: 'web-1', reason: 'it was a restored snapshot', proof: given });
  await assert.rejects(release(proof), { code: 'invalid_input' });
  await assert.rejects(world.agent({ key: agent.key, serverId: id }).connect());
  await until('the quarantine', () => isQuarantined(world.core.db, id));
  assert.match((await world.call('getServerStatus', { server: 'web-1' })).trust, /no change goes there until/);
  await assert.rejects(release(wrongProof), { code: 'sign_in_failed' });
  assert.ok(await isQuarantined(world.core.db, id));
  await release(proof);
  assert.equal(await isQuarantined(world.core.db, id), false);
  assert.equal((await alerts(world))[0]?.state, 'resolved');
  const { entries } = await world.call('getTimeline', { server: 'web-1' });
  assert.ok(entries.some(({ title }) => title === 'Resolved: web-1 takes changes again: Ada has looked'));
  assert.match((await audited(world, 'server.released'))[0]?.body ?? '', /restored snapshot/);
  assert.doesNotMatch((await world.call('getServerStatus', { server: 'web-1' })).trust, /no change goes there/);
  await assert.rejects(world.agent({ key: agent.key, serverId: id }).connect());
  await until('it is back', () => isQuarantined(world.core.db, id));
});

test('F7: when the older link is half-open, the agent that comes back replaces it and no alarm is raised', async () => {
  await using world = await fleetWorld({ limits: { probeMs: 200 } });
  const { id, agent } = await world.enrolled('web-1');
  agent.hold();
  const back = world.agent({ key: agent.key, serverId: id });
  await back.connect();
  assert.ok(world.fleet.registry.isOnline(id));
  agent.drop();
  const report = await world.fleet.registry.observe(id, 'overview', {});
  assert.equal(report.findings.length, 1, 'the new link answers');
  assert.deepEqual(await alerts(world), []);
  assert.deepEqual(await audited(world, 'server.duplicated'), []);
});

test('F7: when frames of a half-open link still come in while it is asked whether it lives, they are no answer', async () => {
  await using world = await fleetWorld({ limits: { probeMs: 300 } });
  const { id, agent } = await world.enrolled('web-1');
  agent.hold();
  let connected = false;
  const back = world.agent({ key: agent.key, serverId: id });
  const connecting = back.connect().finally(() => {
    connected = true;
  });
  while (!connected) {
    if (agent.isOpen) agent.heartbeat();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await connecting;
  assert.ok(back.isOpen);
  assert.deepEqual(await alerts(world), []);
});

test('when several copies connect at once, one is let in and the others are turned away', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await agent.close();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  const copies = Array.from({ length: 5 }, () => world.agent({ key: agent.key, serverId: id }));
  const outcomes = await Promise.allSettled(copies.map((copy) => copy.connect()));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal(copies.filter((copy) => copy.isOpen).length, 1);
});

test('F7: when a link falls silent, it is noticed within 30 s, and what waits for it is told', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  agent.hold();
  const waiting = world.fleet.registry.observe(id, 'disk', { path: '/', top: 20 }, { timeoutMs: 60_000 });
  const rejected = assert.rejects(waiting, { code: 'server_offline' });
  await clock.advance(24_000);
  assert.ok(world.fleet.registry.isOnline(id));
  await clock.advance(6_000);
  await rejected;
  assert.ok(!world.fleet.registry.isOnline(id));
});

test('F7: when an agent has nothing to say but answers pings, its link stays', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  for (let minute = 0; minute < 24; minute += 1) {
    const before = world.fleet.registry.isOnline(id);
    await clock.advance(5000);
    // The pong travels over a real socket: wait for its answer by asking for something.
    await world.fleet.registry.observe(id, 'overview', {});
    assert.ok(before && agent.isOpen);
  }
  const pinged = new Promise<void>((resolve) => agent.onPing(resolve));
  await clock.advance(fleetLimits.pingAfterMs + fleetLimits.sweepMs);
  await pinged;
});

test('when an agent does not read what is sent to it, it is cut off before it fills the memory', async () => {
  await using world = await fleetWorld({ limits: { unsentBytes: 1024 * 1024, requestsAtOnce: 5000 } });
  const { id, agent } = await world.enrolled('web-1');
  agent.hold();
  const paths = Array.from({ length: 5000 }, () => `/${'x'.repeat(4000)}`);
  const asked = paths.map((path) => world.fleet.registry.observe(id, 'disk', { path, top: 20 }));
  const outcomes = await Promise.allSettled(asked);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.ok(world.logged.some(({ event }) => event === 'agent.reads_too_slowly'));
});

async function alerts(world: Awaited<ReturnType<typeof fleetWorld>>) {
  return world.db.selectFrom('alert').selectAll().execute();
}
