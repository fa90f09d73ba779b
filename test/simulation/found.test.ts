/** What simulations found, told once more without chance: each of these went wrong before it was mended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WholeSystem } from './whole-system.ts';
import { checkWholeSystem } from './whole-system-check.ts';

async function calm(): Promise<{ system: WholeSystem; server: WholeSystem['servers'][number] }> {
  const system = new WholeSystem(1);
  await system.begin();
  const [server] = system.servers;
  if (!server) throw new Error('there is no server');
  return { system, server };
}
const MINUTE_MS = 60_000;
const pass = (system: WholeSystem, ms: number) => system.time.passUntil(system.time.now + ms);

test('T12: when a server’s clock was wrong as it connected and is put right, changes go on without a new connection', async () => {
  const { system, server } = await calm();
  using _ = system;
  server.machine.clock.offsetMs = 3_600_000;
  for (const connection of system.network.connectionsThat(() => true)) connection.reset();
  await pass(system, 2 * MINUTE_MS);
  server.machine.clock.offsetMs = 0;
  await pass(system, MINUTE_MS);
  await system.carryOut(server.serverId);
});

test('F14: when a server’s clock is put right between its hello and the welcome, changes go on', async () => {
  const { system, server } = await calm();
  using _ = system;
  server.machine.clock.offsetMs = 36_000_000;
  system.network.weather = { latencyMs: 2000, refused: 0 };
  for (const connection of system.network.connectionsThat(() => true)) connection.reset();
  system.network.onFrame = (text) => {
    if (text.startsWith('{"type":"hello"')) server.machine.clock.offsetMs = 0;
  };
  await pass(system, 2 * MINUTE_MS);
  await system.carryOut(server.serverId);
});

test('F14: when the control plane’s clock was wrong as a server connected and is put right, changes go on', async () => {
  const { system, server } = await calm();
  using _ = system;
  system.clock.offsetMs = 10 * MINUTE_MS;
  for (const connection of system.network.connectionsThat(() => true)) connection.reset();
  await pass(system, 2 * MINUTE_MS);
  system.clock.offsetMs = 0;
  await pass(system, 2 * MINUTE_MS);
  await system.carryOut(server.serverId);
});

test('F10: when the disk was read-only as the runner came up on a torn journal, changes go on seconds after it is mended', async () => {
  const { system, server } = await calm();
  using _ = system;
  await system.carryOut(server.serverId);
  server.disk.tear('runner/journal.ndjson', '{"at":17');
  server.disk.fault = 'EROFS';
  server.runnerProcess?.kill();
  assert.ok(system.plane);
  void system.crowd.ask(system.plane.deps, server.serverId, 'high'); // its preview wakes a runner
  await pass(system, 10_000);
  server.disk.fault = null;
  await pass(system, 10_000);
  await system.carryOut(server.serverId);
});

test('F10: when the disk does not take a grant, and the news of that is lost, what is called refused is never started later', async () => {
  const { system, server } = await calm();
  using _ = system;
  assert.ok(system.plane);
  const { deps } = system.plane;
  const asked = system.crowd.ask(deps, server.serverId, 'medium');
  await pass(system, 1000);
  const [action] = await system.reader
    .selectFrom('action')
    .selectAll()
    .where('id', '=', await asked)
    .execute();
  assert.ok(action);
  server.disk.fault = 'EROFS';
  system.network.onFrame = (text) => {
    if (!text.startsWith('{"type":"refused"')) return;
    for (const connection of system.network.connectionsThat(() => true)) connection.silence();
    system.network.onFrame = () => undefined;
  };
  await system.crowd.answer(deps, action, 1, 'approve');
  await pass(system, 8000);
  server.disk.fault = null;
  await pass(system, 5 * MINUTE_MS);
  await checkWholeSystem(system);
});
