import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSigningKey } from '@countersign/protocol/signing';
import { TurnedAway } from '../../../test/load/simulated-agent.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { removeServer } from '../../src/fleet/remove-server.ts';
import { renewEnrolment } from '../../src/fleet/renew-enrolment.ts';
import { enrolmentSteps, serverById } from '../../src/fleet/server.store.ts';
import { audited, fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

const turnedAwayWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof TurnedAway, String(error));
  assert.equal(error.ending.fault?.code, code);
  return true;
};

test('when an agent connects only to enrol, its server is not online by that, and the one before it is gone', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  const { token } = await renewEnrolment(world.core, whoIs('system'), id);
  const comings: string[] = [];
  world.fleet.registry.follow({
    connected: () => void comings.push('connected'),
    disconnected: () => void comings.push('disconnected'),
  });
  const enrolling = world.agent({ token, tamper: (hello) => ({ ...hello, enrolsOnly: true }) });
  await enrolling.connect();
  assert.equal(world.fleet.registry.isOnline(id), false);
  await until('the older one is gone', () => !agent.isOpen);
  await enrolling.close();
  await world.agent({ key: enrolling.key, serverId: id }).connect();
  assert.ok(world.fleet.registry.isOnline(id));
  assert.deepEqual(comings, ['disconnected', 'connected']);
});

test('when an agent brings a fresh token, its key is bound and the server is ready with its facts', async () => {
  await using world = await fleetWorld();
  const { id, token } = await world.add('web-1');
  const agent = world.agent({ token });
  const welcome = await agent.connect();
  assert.equal(welcome.serverId, id);
  assert.equal(welcome.serverName, 'web-1');
  const server = await serverById(world.db, id);
  assert.equal(server?.state, 'enrolled');
  assert.equal(server?.public_key, agent.key.publicKey);
  assert.equal(JSON.parse(server?.facts_json ?? '{}').hostname, 'web-1.example.org');
  assert.deepEqual((await enrolmentSteps(world.db, id)).map(({ step }) => step).sort(), [
    'checked',
    'contacted',
    'key_verified',
    'ready',
  ]);
  assert.ok(world.fleet.registry.isOnline(id));
  const [entry] = await audited(world, 'server.enrolled');
  assert.equal(entry?.server_id, id);
  assert.equal(entry?.details.public_key, agent.key.publicKey);
  assert.equal((await audited(world, 'server.connected')).length, 1);
});

test('when the token was used by another agent, enrolment is refused and audited', async () => {
  await using world = await fleetWorld();
  const { id, token } = await world.add('web-1');
  await world.agent({ token }).connect();
  await assert.rejects(world.agent({ token }).connect(), turnedAwayWith('enrolment_token_invalid'));
  await until('it is audited', async () => (await audited(world, 'server.refused')).length === 1);
  const [entry] = await audited(world, 'server.refused');
  assert.equal(entry?.details.error, 'enrolment_token_invalid');
  assert.ok(!entry?.body.includes(token), 'the token itself stays out of the log');
  assert.ok(world.fleet.registry.isOnline(id), 'the enrolled one keeps working');
});

test('when two agents bring one token at once, exactly one is enrolled', async () => {
  await using world = await fleetWorld();
  const { token } = await world.add('web-1');
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => world.agent({ token }).connect()));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('when the token is older than 15 minutes, enrolment is refused', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const { token } = await world.add('web-1');
  await clock.advance(15 * 60_000);
  await assert.rejects(world.agent({ token }).connect(), turnedAwayWith('enrolment_token_invalid'));
});

test('when the token is wrong, for something else, or its server was removed, enrolment is refused', async () => {
  await using world = await fleetWorld();
  const { id, token } = await world.add('web-1');
  await assert.rejects(
    world.agent({ token: `${token.slice(0, -2)}xx` }).connect(),
    turnedAwayWith('enrolment_token_invalid'),
  );
  await assert.rejects(world.agent({ token: '' }).connect(), turnedAwayWith('enrolment_token_invalid'));
  await removeServer({ ...world.core, fleet: world.fleet.registry }, whoIs('system'), id);
  await assert.rejects(world.agent({ token }).connect(), turnedAwayWith('enrolment_token_invalid'));
});

test('when the welcome was lost, the same agent may come again with its used token', async () => {
  await using world = await fleetWorld();
  const { id, token } = await world.add('web-1');
  const key = makeSigningKey();
  const first = world.agent({ token, key });
  await first.connect();
  first.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  const welcome = await world.agent({ token, key }).connect();
  assert.equal(welcome.serverId, id);
});

test('when a new token is used by another machine, the old key is refused and the old link ends', async () => {
  await using world = await fleetWorld();
  const { id, agent: old } = await world.enrolled('web-1');
  const { token } = await renewEnrolment(world.core, whoIs('system'), id);
  const replacement = world.agent({ token });
  await replacement.connect();
  assert.equal((await old.ended).fault?.code, 'agent_unproven');
  await assert.rejects(old.connect(), turnedAwayWith('agent_unproven'));
  assert.ok(replacement.isOpen);
});

test('when a new token is made, the one before works no more', async () => {
  await using world = await fleetWorld();
  const { id, token } = await world.add('web-1');
  await renewEnrolment(world.core, whoIs('system'), id);
  await assert.rejects(world.agent({ token }).connect(), turnedAwayWith('enrolment_token_invalid'));
});

test('when a key belongs to one server, it is not bound to another, and the token survives', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  const { token } = await world.add('web-2');
  await assert.rejects(world.agent({ token, key: agent.key }).connect(), turnedAwayWith('agent_unproven'));
  await world.agent({ token }).connect();
});

test('when a server was removed, its agent is cut off and its key is refused from then on', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await removeServer({ ...world.core, fleet: world.fleet.registry }, whoIs('system'), id);
  assert.equal((await agent.ended).fault?.code, 'server_revoked');
  await assert.rejects(agent.connect(), turnedAwayWith('server_revoked'));
  const again = await world.add('web-1');
  assert.notEqual(again.id, id, 'the name is free again');
});
