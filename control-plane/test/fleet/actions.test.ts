/** The fleet with the real use cases of actions behind it: grants out, reports in. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ActionResult, SignedGrant } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { verifyValue } from '@countersign/protocol/signing';
import type { SimulatedAgent, SimulatedAgentOptions } from '../../../test/load/simulated-agent.ts';
import { insertPerson } from '../../src/access/person.store.ts';
import { actionById } from '../../src/actions/action.store.ts';
import { type ActionDeps, actionLimits } from '../../src/actions/action-deps.ts';
import { makeFollowers } from '../../src/actions/followers.ts';
import { propose } from '../../src/actions/propose.ts';
import { requestStop } from '../../src/actions/request-stop.ts';
import { startActions } from '../../src/actions/start-actions.ts';
import { openPolicy } from '../../src/policy/policy-book.ts';
import { write } from '../../src/storage/write.ts';
import { audited, fleetWorld, until } from './fleet-world.ts';
import { owner } from './operations-world.ts';

const allowEverything = 'format: countersign-policy/1\nrules:\n  - { name: all, when: {}, allow: true }\n';

async function actingWorld() {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-fleet-'));
  await writeFile(join(folder, 'policy.yaml'), allowEverything);
  let actions: ReturnType<typeof startActions> | undefined;
  const running = () => actions ?? assert.fail('not started yet');
  const world = await fleetWorld({
    actions: {
      recordStarted: (id, report) => running().reports.recordStarted(id, report),
      recordRefused: (id, report) => running().reports.recordRefused(id, report),
      recordStep: (id, report) => running().reports.recordStep(id, report),
      recordOutput: (id, report) => running().reports.recordOutput(id, report),
      recordFinished: (id, report) => running().reports.recordFinished(id, report),
    },
  });
  const { core, fleet, key } = world;
  const deps: ActionDeps = {
    ...{ ...core, fleet: fleet.registry, key, channels: [], playbooks: new Map(), followers: makeFollowers(core.log) },
    policy: await openPolicy(core, { path: join(folder, 'policy.yaml') }),
    limits: actionLimits,
    party: () => null,
  };
  actions = startActions(deps);
  fleet.registry.follow({ connected: (id) => running().serverConnected(id), disconnected: () => undefined });
  await write(core.db, (trx) =>
    insertPerson(trx, { ...owner.person, email: 'ada@example.org', passwordHash: null, at: core.clock.now() }),
  );
  return {
    ...world,
    deps,
    server: (name: string, more: Partial<SimulatedAgentOptions> = {}) =>
      world.enrolled(name, { policy: { commands: true }, onPreview, ...more }),
    /** Asks for a command, which policy allows without a human. Returns the id of the action. */
    async ask(server: string, argv = ['/usr/bin/true']) {
      const { actionId } = await propose(deps, owner, { server, wanted: { kind: 'command', argv, timeout_s: 5 } });
      return actionId;
    },
    stateOf: async (id: string) => (await actionById(core.db, id))?.state,
    async [Symbol.asyncDispose]() {
      await world.app.close();
      await running()[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

const onPreview: NonNullable<SimulatedAgentOptions['onPreview']> = (draft) => ({
  steps: draft.steps.map(({ id }) => ({ step: id, argv: [], diff: null, effects: [], undo: null })),
  witness: [],
  predictable: false,
});

function resultOf(at: number): ActionResult {
  return {
    outcome: 'succeeded',
    summary: 'It ran.',
    steps: [],
    check: null,
    undo: { state: 'not_needed', steps: [] },
    startedAt: at,
    finishedAt: at,
    journalHead: 'a'.repeat(64),
  };
}

/** Does what a runner does, in the shortest way. */
function carryOut({ grant }: SignedGrant, agent: SimulatedAgent): void {
  const { actionId } = grant;
  const at = Date.now();
  agent.report({ type: 'started', actionId, at });
  agent.send({ type: 'output', actionId, step: 'run', chunk: 0, text: 'hello token=abcdefgh12345678\n', dropped: 0 });
  agent.report({ type: 'finished', actionId, result: resultOf(at) });
}

test('when an action is allowed, its grant reaches the server signed, and what the server reports ends it', async () => {
  await using world = await actingWorld();
  const grants: SignedGrant[] = [];
  await world.server('web-1', {
    onDispatch: (grant, agent) => {
      grants.push(grant);
      carryOut(grant, agent);
    },
  });
  const id = await world.ask('web-1');
  await until('it succeeded', async () => (await world.stateOf(id)) === 'succeeded');
  const [sent] = grants;
  assert.ok(sent);
  assert.ok(verifyValue('grant', sent.grant, sent.signature, world.key.publicKey));
  assert.equal(sent.grant.digest, digestOf(sent.grant.plan));
  const output = await world.db.selectFrom('action_output').selectAll().where('action_id', '=', id).execute();
  assert.deepEqual(
    output.map(({ text }) => text),
    ['hello token=[redacted]\n'],
  );
});

test('T2: when an agent reports on the action of another server, that is refused, audited, and changes nothing', async () => {
  await using world = await actingWorld();
  await world.server('web-1', { onDispatch: () => undefined });
  const evil = await world.server('web-2');
  const actionId = await world.ask('web-1');
  await until('it is dispatched', async () => (await world.stateOf(actionId)) === 'dispatched');
  const at = Date.now();
  evil.agent.send({ type: 'output', actionId, step: 'run', chunk: 0, text: 'lies', dropped: 0 });
  const seq = evil.agent.report({ type: 'finished', actionId, result: resultOf(at) });
  await evil.agent.acknowledged(seq);
  assert.equal(await world.stateOf(actionId), 'dispatched');
  assert.deepEqual(await world.db.selectFrom('action_output').selectAll().execute(), []);
  const entries = await audited(world, 'report.refused');
  assert.deepEqual(
    entries.map(({ server_id, action_id, details }) => [server_id, action_id, details.report]),
    [
      [evil.id, actionId, 'output'],
      [evil.id, actionId, 'finished'],
    ],
  );
});

test('F2: when the link breaks after the grant left, it is sent again on reconnect, once for the runner to know', async () => {
  await using world = await actingWorld();
  const seen: string[] = [];
  const { agent } = await world.server('web-1', {
    onDispatch: (grant, it) => {
      seen.push(grant.grant.actionId);
      if (seen.length === 1) it.drop();
      else carryOut(grant, it);
    },
  });
  const id = await world.ask('web-1');
  await agent.ended;
  await agent.connect();
  await until('it succeeded', async () => (await world.stateOf(id)) === 'succeeded');
  assert.deepEqual(seen, [id, id]);
});

test('F7: when the link breaks in the middle of an action, its result arrives after the reconnect', async () => {
  await using world = await actingWorld();
  const { agent } = await world.server('web-1', {
    onDispatch: ({ grant }, it) => {
      it.report({ type: 'started', actionId: grant.actionId, at: Date.now() });
      it.drop();
      it.report({ type: 'finished', actionId: grant.actionId, result: resultOf(Date.now()) });
    },
  });
  const id = await world.ask('web-1');
  await agent.ended;
  assert.notEqual(await world.stateOf(id), 'succeeded');
  await agent.connect();
  await until('it succeeded', async () => (await world.stateOf(id)) === 'succeeded');
});

test('F19: when a stop is asked for while the server is away, it is asked to stop on its return', async () => {
  await using world = await actingWorld();
  const stopped: string[] = [];
  const { id: serverId, agent } = await world.server('web-1', {
    onDispatch: ({ grant }, it) => void it.report({ type: 'started', actionId: grant.actionId, at: Date.now() }),
    onStop: (actionId, it) => {
      stopped.push(actionId);
      it.report({ type: 'finished', actionId, result: { ...resultOf(Date.now()), outcome: 'stopped' } });
    },
  });
  const id = await world.ask('web-1');
  await until('it runs', async () => (await world.stateOf(id)) === 'running');
  agent.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(serverId));
  await requestStop(world.deps, owner, id);
  await agent.connect();
  await until('it is stopped', async () => (await world.stateOf(id)) === 'stopped');
  assert.deepEqual(stopped, [id]);
});
