import assert from 'node:assert/strict';
import { test } from 'node:test';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { whoIs } from '../../src/audit/ledger.ts';
import { openFleet } from '../../src/fleet/open-fleet.ts';
import { removeServer } from '../../src/fleet/remove-server.ts';
import { newestSamples, serverById } from '../../src/fleet/server.store.ts';
import { setThresholds } from '../../src/fleet/set-thresholds.ts';
import { audited, type FleetWorld, fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

const MINUTE = 60_000;

test('when a server is away for longer than its threshold, an alert fires once; when it is back, it is resolved', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  await goAway(world, id, agent);
  await clock.advance(88_000);
  assert.deepEqual(await alerts(world), []);
  await clock.advance(3_000);
  await until('the alert fires', async () => (await alerts(world)).length === 1);
  const [alert] = await alerts(world);
  assert.equal(alert?.kind, 'offline');
  assert.equal(alert?.server_id, id);
  assert.match(alert?.title ?? '', /^web-1 is offline since 2026-11-20T02:13:00/);
  await clock.advance(10 * MINUTE);
  assert.equal((await alerts(world))[0]?.times, 1);
  await agent.connect();
  await until('the alert is resolved', async () => (await alerts(world))[0]?.state === 'resolved');
  assert.deepEqual(
    (await world.db.selectFrom('timeline_entry').select('title').where('kind', '=', 'alert').execute()).map(
      (it) => it.title,
    ),
    [alert?.title, 'Resolved: web-1 is back online'],
  );
  assert.equal((await audited(world, 'alert.fired')).length, 1);
  assert.equal((await audited(world, 'alert.resolved')).length, 1);
});

test('when a server is away for a moment only, no alert fires', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  for (let n = 0; n < 5; n += 1) {
    await goAway(world, id, agent);
    await clock.advance(60_000);
    await agent.connect();
  }
  assert.deepEqual(await alerts(world), []);
});

test('when another threshold is set, the server learns it at once and the watch keeps it', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  const told = agent.next('settings');
  const thresholds = thresholdsSchema.parse({ offlineSeconds: 600, diskUsedRatio: 0.5 });
  const announce = world.fleet.announceThresholds;
  await setThresholds({ ...world.core, announce }, whoIs('system'), id, thresholds);
  assert.deepEqual((await told).thresholds, thresholds);
  await goAway(world, id, agent);
  await clock.advance(590_000);
  assert.deepEqual(await alerts(world), []);
  await clock.advance(12_000);
  await until('the alert fires', async () => (await alerts(world)).length === 1);
  assert.deepEqual((await agent.connect()).thresholds, thresholds, 'and with the next welcome');
});

test('when a server is removed, its absence alarms nobody', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  await removeServer({ ...world.core, fleet: world.fleet.registry }, whoIs('system'), id);
  await agent.ended;
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  await clock.advance(10 * MINUTE);
  assert.deepEqual(await alerts(world), []);
});

test('when the control plane itself was away, nobody is called offline before the threshold has passed again', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  await world.fleet[Symbol.asyncDispose]();
  agent.drop();
  await clock.advance(60 * MINUTE);
  await using later = openFleet(world.core, { key: world.key });
  await later.start();
  await clock.advance(80_000);
  assert.deepEqual(await alerts(world), []);
  await clock.advance(12_000);
  await until('the alert fires', async () => (await alerts(world)).length === 1);
  assert.equal((await alerts(world))[0]?.server_id, id);
});

test('when heartbeats come, the newest figures are at hand at once, and one a minute goes into the history', async () => {
  const clock = manualClock();
  // Half a minute passes here at once: no answer to a ping comes back over a real socket in that time.
  await using world = await fleetWorld({ clock, limits: { pingAfterMs: 60 * MINUTE, deadAfterMs: 60 * MINUTE } });
  const { id, agent } = await world.enrolled('web-1', { now: () => clock.now() + 5000 });
  for (let n = 0; n < 10; n += 1) {
    agent.heartbeat({ load1PerCpu: n });
    await until('it arrived', () => world.fleet.presence.newestSample(id)?.load1PerCpu === n);
    await clock.advance(30_000);
  }
  assert.equal(world.fleet.presence.newestSample(id)?.at, clock.now() - 30_000, 'by our own clock');
  const history = await newestSamples(world.db, id, 60);
  assert.deepEqual(
    history.map(({ load1PerCpu }) => load1PerCpu),
    [0, 2, 4, 6, 8],
  );
  const server = await serverById(world.db, id);
  assert.equal(server?.last_seen_at, clock.now() - 30_000);
  assert.equal(server?.clock_offset_ms, 5000);
});

test('when history grows old, it is thinned after a day and forgotten after thirty', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { id, agent } = await world.enrolled('web-1');
  agent.drop();
  const day = 24 * 60 * MINUTE;
  const values = Array.from({ length: 33 * 24 * 60 }, (_, n) => ({
    server_id: id,
    at: clock.now() - 33 * day + n * MINUTE,
    sample_json: '{}',
  }));
  for (let from = 0; from < values.length; from += 5000)
    await world.db
      .insertInto('server_sample')
      .values(values.slice(from, from + 5000))
      .execute();
  await clock.advance(60 * MINUTE);
  await until('it is thinned', async () => (await newestSamples(world.db, id, 100_000)).length < 5000);
  const left = await newestSamples(world.db, id, 100_000);
  assert.ok(left.length > 24 * 60 && left.length <= 24 * 60 + 29 * 24 * 4 + 100, `${left.length} samples`);
  assert.ok((left[0]?.at ?? 0) >= clock.now() - 30 * day);
});

test('when an agent comes back as it was, nothing is written but that it was seen', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  const entries = async () => (await world.db.selectFrom('audit_entry').select('seq').execute()).length;
  const before = await entries();
  for (let n = 0; n < 3; n += 1) {
    agent.drop();
    await until('it is gone', () => !world.fleet.registry.isOnline(id));
    await agent.connect();
  }
  assert.equal(await entries(), before);
});

test("when the policy of the server's owner changed, that is audited and shown", async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await goAway(world, id, agent);
  await world.agent({ key: agent.key, serverId: id, policy: { mode: 'observe' } }).connect();
  const [entry] = await audited(world, 'server.policy_changed');
  assert.equal(entry?.details.mode, 'observe');
  assert.equal(JSON.parse((await serverById(world.db, id))?.policy_json ?? '{}').mode, 'observe');
});

async function goAway(world: FleetWorld, id: string, agent: { drop(): void }): Promise<void> {
  agent.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
}

async function alerts(world: FleetWorld) {
  return world.db.selectFrom('alert').selectAll().execute();
}
