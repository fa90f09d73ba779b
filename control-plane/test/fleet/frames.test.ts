import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import { fromAgentSchema } from '@countersign/protocol/agent-wire/messages';
import { systemIds } from '@countersign/protocol/system-ids';
import { fleetLimits } from '../../src/fleet/limits.ts';
import { AgentSession } from '../../src/fleet/session.ts';
import { closeCodes, type Wire } from '../../src/fleet/wire.ts';
import { audited, type FleetWorld, fleetWorld } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';
import { damagedFrame, isValidFrame, seeded, validMessages } from './mutate-frames.ts';

const SEED = 20_261_120;

/** A server that must not notice anything. */
async function bystander(world: FleetWorld) {
  const { id, agent } = await world.enrolled('bystander');
  return async () => {
    const report = await world.fleet.registry.observe(id, 'overview', {});
    assert.equal(report.findings.length, 1);
    assert.ok(agent.isOpen);
  };
}

test('when a message is added to the wire, the damaged frames are made of it too', () => {
  const named = fromAgentSchema.options.map((option) => option.shape.type.value);
  assert.deepEqual([...new Set(validMessages.map(({ type }) => type))].toSorted(), named.toSorted());
  for (const message of validMessages) assert.ok(isValidFrame(JSON.stringify(message)), message.type);
});

test('F16: when thousands of damaged frames come in place of an opening, each connection ends with a reason and no other', async () => {
  await using world = await fleetWorld();
  const undisturbed = await bystander(world);
  const random = seeded(SEED);
  const frames = Array.from({ length: 2000 }, () => damagedFrame(random)).filter((frame) => !isValidFrame(frame));
  assert.ok(frames.length > 1500);
  for (let from = 0; from < frames.length; from += 20) {
    await Promise.all(
      frames.slice(from, from + 20).map(async (frame) => {
        const agent = world.agent();
        await once(agent.open(), 'open');
        agent.sendRaw(frame);
        const ending = await agent.ended;
        assert.equal(ending.code, closeCodes.frame_invalid, `${frame.slice(0, 200)} -> ${JSON.stringify(ending)}`);
        assert.equal(ending.fault?.code, 'frame_invalid');
        assert.notEqual(ending.reason, '');
      }),
    );
  }
  await undisturbed();
  assert.deepEqual(await audited(world, 'server.refused'), [], 'noise of strangers fills no audit log');
});

test('F16: when a proven agent sends damaged frames, its connection ends, it may come back, and nobody else notices', async () => {
  await using world = await fleetWorld();
  const undisturbed = await bystander(world);
  const { agent } = await world.enrolled('web-1');
  const random = seeded(SEED + 1);
  for (let done = 0; done < 1000; ) {
    const frame = damagedFrame(random);
    if (isValidFrame(frame) || isUnknownType(frame)) continue;
    done += 1;
    agent.sendRaw(frame);
    const ending = await agent.ended;
    assert.equal(ending.code, closeCodes.frame_invalid, frame.slice(0, 200));
    await agent.connect();
  }
  await undisturbed();
  assert.deepEqual(
    world.logged.filter(({ level }) => level === 'error'),
    [],
  );
});

test('T13: when a proven agent floods us with odd news of its policy and its checkpoints, it costs little and harms nobody', async () => {
  // On a clock that stands still, so that the second between two entries cannot pass however long this takes.
  await using world = await fleetWorld({ clock: manualClock() });
  const undisturbed = await bystander(world);
  const { id, agent } = await world.enrolled('web-1');
  const random = seeded(SEED + 3);
  const news = Array.from({ length: 20_000 }, () => damagedFrame(random)).filter((frame) => {
    return /^\{"type":"(policy|countersigned|checkpoint_refused|witness)"/.test(frame) && isValidFrame(frame);
  });
  assert.ok(news.length > 300, `${news.length}`);
  for (const frame of news) agent.sendRaw(frame);
  await world.fleet.registry.observe(id, 'overview', {});
  await undisturbed();
  assert.deepEqual(
    world.logged.filter(({ level }) => level === 'error'),
    [],
  );
  assert.equal((await audited(world, 'server.policy_changed')).length, 1, 'one entry in a second');
  assert.ok((await audited(world, 'ledger.contradicted')).length <= 1, 'told once while it stands');
});

test('F16: when 50,000 damaged frames go through a session, each is answered or refused and none throws', () => {
  const closed: string[] = [];
  const wire: Wire = {
    ip: '127.0.0.1',
    isOpen: true,
    isPaused: false,
    send: () => undefined,
    ping: () => undefined,
    close: (code) => closed.push(code),
    cut: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
  };
  const session = new AgentSession(
    {
      clock: systemClock,
      ids: systemIds,
      log: { info: () => undefined, warn: () => undefined, error: assert.fail },
      limits: fleetLimits,
      events: {
        takeReport: async () => undefined,
        alive: () => undefined,
        told: () => undefined,
      },
    },
    wire,
    { serverId: 'srv_000000000000', serverName: 'web-1', publicKey: '', capabilities: new Set() },
    0,
  );
  const random = seeded(SEED + 2);
  for (let n = 0; n < 50_000; n += 1) session.receive(damagedFrame(random));
  assert.ok(closed.length > 25_000);
  assert.ok(closed.every((code) => code === 'frame_invalid'));
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

test('when an agent of a newer level says something that we do not know, nothing happens', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  agent.sendRaw('{"type":"from_the_future","seq":3}');
  await world.fleet.registry.observe(id, 'overview', {});
  assert.ok(agent.isOpen);
});

test('when a frame is over 1 MiB, the connection ends and nobody else notices', async () => {
  await using world = await fleetWorld();
  const undisturbed = await bystander(world);
  const { agent } = await world.enrolled('web-1');
  agent.sendRaw(
    JSON.stringify({ type: 'observed', requestId: 'req_000000000000', result: 'x'.repeat(FRAME_BYTES_MAX) }),
  );
  assert.equal((await agent.ended).code, closeCodes.too_large);
  await undisturbed();
  await agent.connect();
});

test('when a frame is too large before the agent is proven, the connection ends', async () => {
  await using world = await fleetWorld();
  const agent = world.agent();
  await once(agent.open(), 'open');
  agent.sendRaw(JSON.stringify({ ...validMessages[0], padding: 'x'.repeat(fleetLimits.unprovenFrameBytes) }));
  assert.equal((await agent.ended).code, closeCodes.too_large);
});

test('when a frame is binary, or no UTF-8, the connection ends', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  agent.sendRaw(new Uint8Array([1, 2, 3]));
  assert.equal((await agent.ended).code, closeCodes.not_text);
});

test('when an agent opens a second time, or reports before its welcome, the connection ends', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  agent.send(agent.openMessage());
  assert.equal((await agent.ended).fault?.code, 'frame_invalid');
  const hasty = world.agent();
  await once(hasty.open(), 'open');
  hasty.send(hasty.openMessage());
  hasty.heartbeat();
  assert.equal((await hasty.ended).fault?.code, 'frame_invalid');
});

function isUnknownType(frame: string): boolean {
  try {
    const { type } = JSON.parse(frame) ?? {};
    return typeof type === 'string' && !validMessages.some((message) => message.type === type);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
