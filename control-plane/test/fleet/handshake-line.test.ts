import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Server } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { WebSocket } from 'ws';
import { queueArrivals } from '../../src/fleet/arrivals.ts';
import { HandshakeLine } from '../../src/fleet/handshake-line.ts';
import { KnownAddresses } from '../../src/fleet/known-addresses.ts';
import { fleetLimits } from '../../src/fleet/limits.ts';
import { ReturnTimes } from '../../src/fleet/return-times.ts';
import { closeCodes } from '../../src/fleet/wire.ts';
import { fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

/** Who waits is neither sent away nor let in because time went by. */
const PATIENT = { handshakeMs: 60_000, inLineMs: 120_000, handshakeCountsMs: 60_000 };

test('T13: when more agents come than may shake hands at once, the others wait until one is through or gone', async () => {
  await using world = await fleetWorld({ limits: { ...PATIENT, handshakesAtOnce: 1 } });
  const { token } = await world.add('web-1');
  const silent = world.agent();
  await once(silent.open(), 'open');
  const waits = world.agent({ token });
  const welcome = waits.connect();
  await (await fetch(`${world.url}/healthz`)).text();
  assert.ok(!waits.isOpen, 'not even its upgrade is answered');
  await silent.close();
  await welcome;
  const another = await world.add('web-2');
  await world.agent({ token: another.token }).connect();
});

test('T13: when strangers open connections and say nothing, they keep no agent out', async () => {
  await using world = await fleetWorld({ limits: { handshakesAtOnce: 2, handshakeCountsMs: 20 } });
  const { token } = await world.add('web-1');
  const silent = [world.agent(), world.agent(), world.agent(), world.agent()];
  for (const stranger of silent) await once(stranger.open(), 'open');
  await world.agent({ token }).connect();
  assert.ok(silent.every(({ isOpen }) => isOpen));
});

test('T13: when a stranger sends many frames at once before it has proven itself, few of them wait in line', async () => {
  await using world = await fleetWorld();
  const stranger = world.agent();
  const socket = stranger.open();
  await once(socket, 'open');
  const { _socket: stream } = socket as unknown as { readonly _socket: Socket };
  stream.cork();
  for (let n = 0; n < 20; n += 1) stranger.sendRaw('{}');
  stream.uncork();
  assert.equal((await stranger.ended).code, closeCodes.too_large);
});

test('when an agent waited in line for as long as one may, it is told to come back', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock, limits: { handshakesAtOnce: 0 } });
  const { token } = await world.add('web-1');
  const connecting = world.agent({ token }).connect();
  const refused = assert.rejects(connecting, /Unexpected server response: 503/);
  let isRefused = false;
  void refused.then(() => {
    isRefused = true;
  });
  await until('it is sent away', async () => {
    await clock.advance(fleetLimits.handshakeCountsMs);
    return isRefused;
  });
  assert.ok(clock.monotonic() >= fleetLimits.inLineMs);
  assert.ok(world.logged.some(({ event }) => event === 'agent.sent_away'));
});

test('T13: when too many wait already, the next is told to come back at once, and places become free again', async () => {
  await using world = await fleetWorld({ limits: { handshakesAtOnce: 0, unprovenMax: 1 } });
  const firstSocket = world.agent().open();
  await (await fetch(`${world.url}/healthz`)).text();
  await assert.rejects(world.agent().connect(), /Unexpected server response: 503/);
  firstSocket.terminate();
  await until('somebody waits in its place', async () => {
    const before = world.logged.length;
    const next = world.agent().open();
    next.on('error', () => undefined);
    await (await fetch(`${world.url}/healthz`)).text();
    return world.logged.length === before;
  });
});

test('T13: when the path of agents is written in another way, whoever asks for it waits in line too', async () => {
  await using world = await fleetWorld({ limits: { handshakesAtOnce: 0, unprovenMax: 1 } });
  const waits = world.agent().open();
  waits.on('error', () => undefined);
  await (await fetch(`${world.url}/healthz`)).text();
  for (const path of ['/agent', '/%61gent', '/agent?', '/agent/', '/elsewhere']) {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}${path}`);
    await assert.rejects(once(socket, 'open'), /Unexpected server response: 503/, path);
  }
  waits.terminate();
});

test('when the control plane stops, those who wait are told to come back', async () => {
  await using world = await fleetWorld({ limits: { handshakesAtOnce: 0 } });
  const refused = assert.rejects(world.agent().connect(), /503/);
  await (await fetch(`${world.url}/healthz`)).text();
  await world.app.close();
  await refused;
});

test('when many frames of handshakes wait, everybody else has their turn in between, and the frames keep their order', async () => {
  const line = new HandshakeLine({ clock: systemClock, ids: systemIds }, fleetLimits);
  const done: number[] = [];
  for (let n = 0; n < 40; n += 1)
    line.frame(() => {
      done.push(n);
      for (const end = performance.now() + 2; performance.now() < end; );
    });
  let turns = 0;
  for (; done.length < 40; turns += 1) await setImmediate();
  assert.ok(turns >= 15, `${turns} turns for 80 ms of work`);
  assert.deepEqual(
    done,
    [...done].toSorted((a, b) => a - b),
  );
});

test('T13: when thousands of strangers wait, who comes from where an agent has proven itself is let in before them', async () => {
  await using world = await fleetWorld({ limits: { ...PATIENT, handshakesAtOnce: 1, unprovenMax: 3 } });
  const { token } = await world.add('web-1');
  const agent = world.agent({ token });
  const strangers = Array.from({ length: 3 }, () => world.agent({ localAddress: '127.0.0.99' }));
  await agent.connect();
  await agent.close();
  const silent = world.agent({ localAddress: '127.0.0.98' });
  await once(silent.open(), 'open');
  for (const stranger of strangers) stranger.open();
  await (await fetch(`${world.url}/healthz`)).text();
  await assert.rejects(world.agent({ localAddress: '127.0.0.97' }).connect(), /503/, 'the line of strangers is full');
  const welcome = agent.connect();
  await (await fetch(`${world.url}/healthz`)).text();
  await silent.close();
  await welcome;
  assert.ok(strangers.filter(({ isOpen }) => isOpen).length <= 1, 'the next stranger comes after it');
});

test('T13: when as many strangers as may be there say nothing, who comes from where an agent has proven itself finds room', async () => {
  await using world = await fleetWorld({ limits: { unprovenMax: 1 } });
  const { token } = await world.add('web-1');
  const agent = world.agent({ token });
  await agent.connect();
  await agent.close();
  await once(world.agent({ localAddress: '127.0.0.98' }).open(), 'open');
  const stranger = world.agent({ localAddress: '127.0.0.97' });
  stranger.open();
  assert.equal((await stranger.ended).code, closeCodes.busy);
  await agent.connect();
});

test('when a frame comes, it is dealt with before anybody else is let in', async () => {
  const line = new HandshakeLine({ clock: systemClock, ids: systemIds }, fleetLimits);
  const order: string[] = [];
  line.arrive(
    {},
    { address: 'a', isKnown: false, letIn: () => order.push('let in'), sendAway: () => order.push('sent away') },
  );
  line.frame(() => order.push('frame'));
  await until('both are dealt with', () => order.length === 2);
  assert.deepEqual(order, ['frame', 'let in']);
});

/** A line in which `order` tells who was let in; handshakes are over at once. */
function listed() {
  const line = new HandshakeLine({ clock: systemClock, ids: systemIds }, fleetLimits);
  const order: string[] = [];
  const arrive = (name: string, address: string, isKnown: boolean) => {
    const of = {};
    const letIn = () => {
      order.push(name);
      line.done(of);
    };
    line.arrive(of, { address, isKnown, letIn, sendAway: () => order.push(`${name} sent away`) });
  };
  return { order, arrive };
}

test('T13: when an enrolled server comes a thousand times at once, other addresses wait for one turn of it and no more', async () => {
  const { order, arrive } = listed();
  for (let n = 0; n < 1000; n += 1) arrive('hostile', '192.0.2.1', true);
  arrive('web-1', '192.0.2.2', true);
  arrive('web-2', '192.0.2.3', true);
  await until('all are let in', () => order.length === 1002);
  assert.deepEqual(order.slice(0, 3), ['hostile', 'web-1', 'web-2']);
});

test('T13: when one machine comes from each address of its IPv6 network, others wait for one turn of it and no more', async () => {
  const server = new Server();
  const line = new HandshakeLine({ clock: systemClock, ids: systemIds }, fleetLimits);
  const order: string[] = [];
  server.on('upgrade', (request) => {
    order.push(`${request.socket.remoteAddress}`);
    line.done(request);
  });
  queueArrivals(server, line, { known: new KnownAddresses(), sentAway: (ip) => order.push(`${ip} sent away`) });
  const come = (remoteAddress: string) =>
    server.emit('upgrade', { socket: { remoteAddress } }, new PassThrough(), Buffer.alloc(0));
  for (let n = 1; n <= 200; n += 1) come(`2001:db8:0:1::${n}`);
  come('2001:db8:0:2::1');
  come('::ffff:192.0.2.1');
  await until('all are let in', () => order.length === 202);
  assert.deepEqual(order.slice(0, 3), ['2001:db8:0:1::1', '2001:db8:0:2::1', '::ffff:192.0.2.1']);
});

test('T13: when those who are known come without end, a stranger has its turn after a few of them', async () => {
  const { order, arrive } = listed();
  for (let n = 0; n < 1000; n += 1) arrive('known', '192.0.2.1', true);
  arrive('stranger', '198.51.100.1', false);
  await until('all are let in', () => order.length === 1001);
  assert.equal(order.indexOf('stranger'), 7);
});

test('T13: when one address is sent away again and again, the dates of others do not move', () => {
  const times = new ReturnTimes(() => 0.5);
  const perSecond = 100;
  let last = 0;
  for (let n = 0; n < 50_000; n += 1) last = times.next('192.0.2.1', 0, perSecond);
  assert.equal(last, 90_000, 'beyond two minutes they are spread over the second of these');
  assert.equal(times.next('192.0.2.2', 0, perSecond), 1000);
});

test('when many are sent away, they are told to come back as fast as handshakes go, one address like the other', () => {
  for (const addressOf of [(n: number) => `192.0.${n >> 8}.${n & 255}`, () => '192.0.2.1']) {
    const times = new ReturnTimes(() => 0.5);
    const told = Array.from({ length: 5000 }, (_, n) => times.next(addressOf(n), 0, 100));
    assert.ok(Math.abs((told[2999] ?? 0) - 30_000) < 100, `${told[2999]}`);
    assert.ok(told.filter((ms) => ms <= 20_000).length >= 1990);
    times.forgetBefore(60_000);
    assert.equal(times.next(addressOf(0), 60_000, 100), 1000);
  }
});

test('T13: when somebody is let in who never begins, the line is not busy for ever', async () => {
  const clock = manualClock();
  const line = new HandshakeLine({ clock, ids: systemIds }, fleetLimits);
  let isIn = false;
  const letIn = () => {
    isIn = true;
  };
  line.arrive({}, { address: 'a', isKnown: false, letIn, sendAway: () => undefined });
  await until('it is let in', () => isIn);
  assert.ok(line.isBusy);
  await clock.advance(2 * fleetLimits.handshakeCountsMs);
  assert.ok(!line.isBusy);
});

test('when one comes after the line was closed, it is sent away at once', () => {
  const line = new HandshakeLine({ clock: manualClock(), ids: systemIds }, fleetLimits);
  line.close();
  const told: number[] = [];
  line.arrive({}, { address: 'a', isKnown: true, letIn: () => undefined, sendAway: (ms) => told.push(ms) });
  assert.equal(told.length, 1);
});

test('when the last who waited has left, the hours after that do not count as waiting', async () => {
  const manual = manualClock();
  let worked = 0;
  const clock = { ...manual, monotonic: () => manual.monotonic() + worked };
  const limits = { ...fleetLimits, handshakesAtOnce: 0 };
  const line = new HandshakeLine({ clock, ids: systemIds }, limits);
  const told: number[] = [];
  let over = 0;
  const arrive = () => {
    const of = {};
    const letIn = () => {
      worked += 15;
      over += 1;
      line.done(of);
    };
    line.arrive(of, { address: 'a', isKnown: true, letIn, sendAway: (ms) => told.push(ms) });
    return of;
  };
  const last = arrive();
  for (let turn = 0; turn < 5; turn += 1) await setImmediate(); // until it is seen that nobody may be let in
  line.done(last);
  await manual.advance(3_600_000);
  limits.handshakesAtOnce = 512;
  for (let n = 0; n < 25; n += 1) arrive();
  await until('all are let in', () => over === 25);
  line.close();
  arrive();
  assert.deepEqual(told, [1000]);
});
