import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '@countersign/protocol';
import { closeCodes } from '../../src/fleet/wire.ts';
import { fleetWorld, nobodyDead, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';
import { validMessages } from './mutate-frames.ts';

const actionId = 'act_000000000001';
const at = Date.UTC(2026, 10, 20);
const started = { type: 'started', actionId, at } as const;

test('when an agent reports, it is told so only after the report is stored', async () => {
  const { promise: stored, resolve: store } = Promise.withResolvers<void>();
  await using world = await fleetWorld({ take: () => stored });
  const { id, agent } = await world.enrolled('web-1');
  const seq = agent.report(started);
  await world.fleet.registry.observe(id, 'overview', {});
  assert.equal(agent.unacknowledged, 1, 'the answer overtook the report, which is not stored yet');
  store();
  await agent.acknowledged(seq);
  assert.equal(agent.unacknowledged, 0);
});

test('when many reports come at once, they are stored in their order and acknowledged in batches', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  const seqs = Array.from({ length: 300 }, () => agent.report(started));
  await agent.acknowledged(seqs.at(-1) ?? 0);
  assert.deepEqual(
    world.reports.map(({ report }) => ('seq' in report ? report.seq : -1)),
    seqs,
  );
  assert.ok(world.reports.every(({ serverId }) => serverId === id));
  const acknowledgements = agent.received.filter(({ type }) => type === 'acknowledge');
  assert.ok(acknowledgements.length <= 150, `${acknowledgements.length} acknowledgements`);
});

test('when a report cannot be stored, it is not acknowledged; the agent comes back and sends it again', async () => {
  let broken = true;
  const stored: number[] = [];
  await using world = await fleetWorld({
    take: async (_, report) => {
      if (broken && 'seq' in report && report.seq === 1) throw new Error('disk full');
      if ('seq' in report) stored.push(report.seq);
    },
  });
  const { agent } = await world.enrolled('web-1');
  for (let n = 0; n < 3; n += 1) agent.report(started);
  assert.equal((await agent.ended).code, closeCodes.internal);
  assert.ok(agent.unacknowledged >= 2);
  broken = false;
  await agent.connect();
  await agent.acknowledged(2);
  assert.deepEqual(stored.slice(-2), [1, 2]);
});

test('when a connection breaks before the acknowledgement, the report comes again after the reconnect', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  agent.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  const seq = agent.report(started);
  await agent.connect();
  await agent.acknowledged(seq);
  assert.equal(world.reports.length, 1);
});

test('when a report is refused for good, it is dealt with: the agent may forget it, and the next ones are stored', async () => {
  await using world = await fleetWorld({
    take: async (_, report) => {
      if (report.type === 'refused') throw fault('action_not_found', { action: report.actionId });
    },
  });
  const { agent } = await world.enrolled('web-1');
  agent.report({ type: 'refused', actionId, fault: { code: 'grant_expired', slots: {} }, at });
  const seq = agent.report(started);
  await agent.acknowledged(seq);
  assert.ok(agent.isOpen);
});

test('T14: when output, results and faults carry secrets or escape sequences, they are gone before anything is stored', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  const secret = 'password=hunter2hunter2';
  agent.send({
    type: 'output',
    actionId,
    step: 'restart',
    chunk: 0,
    text: `a\u001b[31m ${secret}\u202e\n`,
    dropped: 0,
  });
  const finished = validMessages.find((message) => message.type === 'finished');
  assert.ok(finished);
  agent.report({ ...finished, result: { ...finished.result, summary: `failed: ${secret}` } });
  const reason = `refused ${secret}\u0007`;
  const seq = agent.report({ type: 'refused', actionId, fault: { code: 'state_drifted', slots: { reason } }, at });
  await agent.acknowledged(seq);
  const all = JSON.stringify(world.reports);
  assert.ok(!all.includes('hunter2'), all);
  assert.ok(!/\\u001b|\\u0007|\u202e/.test(all));
  assert.match(all, /a password=\[redacted\]/);
  assert.ok(all.includes('a'.repeat(64)), 'the head of the journal is untouched');
});

test('when a runner refuses in words that are not its own to say, they become a fault of the server', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1');
  const seq = agent.report({
    type: 'refused',
    actionId,
    fault: { code: 'unauthenticated', slots: { reason: 'x' } },
    at,
  });
  await agent.acknowledged(seq);
  const { report } = world.reports[0] ?? {};
  assert.equal(report?.type === 'refused' && report.fault.code, 'capability_failed');
});

test('T13, F15: when an agent floods, it is read more slowly, everything is stored, and another server is not kept waiting', async () => {
  const chunks = 200;
  const clock = manualClock();
  const limits = { ...nobodyDead, framesPerSecond: 100, framesAtOnce: 20, reportsWaiting: 8 };
  await using world = await fleetWorld({ clock, limits });
  const { agent } = await world.enrolled('noisy');
  const { id } = await world.enrolled('quiet');
  const text = 'x'.repeat(32 * 1024);
  for (let chunk = 0; chunk < chunks; chunk += 1)
    agent.send({ type: 'output', actionId, step: 'restart', chunk, text, dropped: 0 });
  for (let n = 0; n < 5; n += 1) await world.fleet.registry.observe(id, 'overview', {});
  assert.ok(world.reports.length < chunks, 'five answers of the quiet one overtook the flood');
  await until('all is stored', async () => {
    await clock.advance(50);
    return world.reports.length === chunks;
  });
  assert.ok(agent.isOpen);
  assert.deepEqual(
    world.reports.map(({ report }) => (report.type === 'output' ? report.chunk : -1)),
    Array.from({ length: chunks }, (_, chunk) => chunk),
  );
});

test('when output comes in many chunks, they are stored together, in their order and before what comes behind', async () => {
  const stored: string[] = [];
  const note = async (_: string, { type }: { readonly type: string }) => void stored.push(type);
  await using world = await fleetWorld({
    actions: {
      ...{ recordStarted: note, recordRefused: note, recordStep: note, recordFinished: note },
      recordOutput: async (_, chunks) => void stored.push(chunks.map(({ chunk }) => chunk).join()),
    },
  });
  const { agent } = await world.enrolled('web-1');
  const print = (chunk: number) => agent.send({ type: 'output', actionId, step: 'go', chunk, text: 'x', dropped: 0 });
  for (let n = 0; n < 10; n += 1) print(n);
  const seq = agent.report(started);
  print(10);
  await agent.acknowledged(seq);
  await until('the last chunk', () => stored.at(-1) === '10');
  assert.deepEqual(stored, ['0,1,2,3,4,5,6,7,8,9', 'started', '10']);
});

test('when reports of several actions wait, they are stored side by side, and those of one action in their order', async () => {
  const [first, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [begun, ended]: [string[], string[]] = [[], []];
  await using world = await fleetWorld({
    take: async (_, report) => {
      const name = `${'actionId' in report ? report.actionId.at(-1) : ''} ${report.type}`;
      begun.push(name);
      await (name === '1 started' ? first : others).promise;
      ended.push(name);
    },
  });
  const { id, agent } = await world.enrolled('web-1');
  for (const n of [1, 2, 3, 2]) agent.report({ type: 'started', actionId: `act_00000000000${n}`, at });
  await world.fleet.registry.observe(id, 'overview', {});
  first.resolve();
  await until('the next ones to begin', () => begun.length >= 3);
  assert.deepEqual([begun, agent.unacknowledged], [['1 started', '2 started', '3 started'], 4]);
  others.resolve();
  await until('all of them', () => ended.length === 4);
});
