import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { controlPlaneProof } from '@countersign/protocol/agent-wire/messages';
import { makeSigningKey, signValue, verifyValue } from '@countersign/protocol/signing';
import { WebSocket } from 'ws';
import { TurnedAway } from '../../../test/load/simulated-agent.ts';
import { closeCodes } from '../../src/fleet/wire.ts';
import { audited, fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

const turnedAwayWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof TurnedAway, String(error));
  assert.equal(error.ending.fault?.code, code);
  return true;
};

test('when an agent opens, the control plane proves itself before it learns anything', async () => {
  await using world = await fleetWorld();
  const agent = world.agent();
  const socket = agent.open();
  await once(socket, 'open');
  const open = agent.openMessage();
  const next = agent.next('challenge');
  agent.send(open);
  const challenge = await next;
  assert.equal(challenge.key, world.key.publicKey);
  assert.ok(verifyValue('control-plane-hello', controlPlaneProof(open, challenge), challenge.signature, challenge.key));
  const other = { ...open, nonce: agent.openMessage().nonce };
  assert.ok(
    !verifyValue('control-plane-hello', controlPlaneProof(other, challenge), challenge.signature, challenge.key),
  );
});

test('T2: when an agent signs with another key than it opened with, it is turned away and audited', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await agent.close();
  const thief = makeSigningKey();
  const impostor = world.agent({
    key: agent.key,
    serverId: id,
    tamper: (hello) => ({ ...hello, signature: signValue('link-hello', { any: 'thing' }, thief.seed) }),
  });
  await assert.rejects(impostor.connect(), turnedAwayWith('agent_unproven'));
  await until('it is audited', async () => (await audited(world, 'server.refused')).length === 1);
  const [entry] = await audited(world, 'server.refused');
  assert.equal(entry?.server_id, id);
  assert.equal(JSON.parse(entry?.body ?? '{}').who.by, 'stranger');
});

test('T2: when an agent claims a server with a key that was not enrolled, it is turned away', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1');
  await assert.rejects(world.agent({ serverId: id }).connect(), turnedAwayWith('agent_unproven'));
});

test('T2: when an agent claims a server that does not exist, or says nothing of itself, it is turned away', async () => {
  await using world = await fleetWorld();
  await assert.rejects(world.agent({ serverId: 'srv_000000000000' }).connect(), turnedAwayWith('agent_unproven'));
  await assert.rejects(world.agent().connect(), turnedAwayWith('agent_unproven'));
  await until('both are audited', async () => (await audited(world, 'server.refused')).length === 2);
  assert.ok((await audited(world, 'server.refused')).every(({ server_id }) => server_id === null));
});

test('T3: when a hello is replayed on a new connection, it is turned away', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await agent.close();
  await agent.connect();
  const recorded = agent.lastHello ?? '';
  await agent.close();
  const replay = world.agent({ key: { ...agent.key }, serverId: id });
  const socket = replay.open();
  await once(socket, 'open');
  const challenge = replay.next('challenge');
  replay.send(replay.openMessage());
  await challenge;
  replay.sendRaw(recorded);
  assert.equal((await replay.ended).fault?.code, 'agent_unproven');
});

test('when an agent speaks only levels that are gone, it is told which we speak', async () => {
  await using world = await fleetWorld();
  const { token } = await world.add('web-1');
  await assert.rejects(world.agent({ token, levels: { oldest: -1, newest: 0 } }).connect(), (error) => {
    assert.ok(error instanceof TurnedAway);
    assert.equal(error.ending.fault?.code, 'level_unsupported');
    assert.equal(error.ending.code, closeCodes.level_unsupported);
    assert.match(error.ending.reason, /level -1 to 0/);
    return true;
  });
  await world.agent({ token, levels: { oldest: 1, newest: 7 } }).connect();
});

test('when an agent is slow to prove itself, the connection ends after the time for the handshake', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  const silent = world.agent();
  const halfway = world.agent();
  await once(silent.open(), 'open');
  await once(halfway.open(), 'open');
  const challenge = halfway.next('challenge');
  halfway.send(halfway.openMessage());
  await challenge;
  await clock.advance(9_999);
  assert.ok(silent.isOpen && halfway.isOpen);
  await clock.advance(1);
  assert.equal((await silent.ended).code, closeCodes.too_slow);
  assert.equal((await halfway.ended).code, closeCodes.too_slow);
});

test('when too many have not proven themselves, the next is told to come back, and places become free again', async () => {
  await using world = await fleetWorld({ limits: { unprovenMax: 2 } });
  const { token } = await world.add('web-1');
  const waiting = [world.agent(), world.agent()];
  for (const agent of waiting) await once(agent.open(), 'open');
  await assert.rejects(world.agent({ token }).connect(), (error) => {
    assert.ok(error instanceof TurnedAway);
    assert.equal(error.ending.code, closeCodes.busy);
    return true;
  });
  await waiting[0]?.close();
  await until('a place is free', async () => {
    try {
      await world.agent({ token }).connect();
      return true;
    } catch (error) {
      assert.ok(error instanceof TurnedAway);
      return false;
    }
  });
});

test('when a browser page tries to connect, it is refused before the upgrade', async () => {
  await using world = await fleetWorld();
  const socket = new WebSocket(`${world.url.replace('http', 'ws')}/agent`, { origin: 'https://evil.example' });
  const [error] = (await once(socket, 'error').catch((thrown: unknown) => [thrown])) as [Error];
  assert.match(error.message, /Unexpected server response: 403/);
});

test('when an upgrade goes to a route that is no WebSocket, it is ended and the route keeps working', async () => {
  await using world = await fleetWorld();
  const socket = new WebSocket(`${world.url.replace('http', 'ws')}/healthz`);
  const ended = new Promise((resolve) => socket.on('close', resolve).on('error', () => undefined));
  await ended;
  assert.deepEqual(await (await fetch(`${world.url}/healthz`)).json(), { ok: true });
  assert.equal((await fetch(`${world.url}/agent`)).status, 404);
});

test('when the app closes, agents get a closing frame that says so', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  const [ending] = await Promise.all([agent.ended, world.app.close()]);
  assert.equal(ending.code, closeCodes.stopping);
});
