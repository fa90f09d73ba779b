/** What a connected server would say to a preview, learned from what it said on this connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, PlanDraft, PlanStep, Preview, SignedGrant } from '@countersign/protocol';
import { encode } from '@countersign/protocol/agent-wire/frame';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { commandPreview } from '@countersign/protocol/command-preview';
import { systemIds } from '@countersign/protocol/system-ids';
import { ordinaryAgent } from '../../../test/load/ordinary-agent.ts';
import { fleetLimits } from '../../src/fleet/limits.ts';
import { AgentSession } from '../../src/fleet/session.ts';
import { fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

const ID = 'srv_000000000001';

function draft(capability: PlanStep['capability'], parameters: PlanStep['parameters'], id = ID): PlanDraft {
  return {
    format: 'countersign-plan/2',
    server: { id, name: 'web-1' },
    source: { kind: 'command' },
    title: 'Run it on web-1',
    risk: 'high',
    reversible: false,
    parameters,
    preconditions: [],
    steps: [{ id: 'run', capability, parameters, timeout_ms: 1000 }],
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
    undo: [],
    confirm: null,
  };
}

const command = (...argv: string[]) => draft('command.run', { argv, timeout_s: 60 });

/** As an agent of this version says it. */
const asUs = ({ steps }: PlanDraft): Preview => ({
  steps: steps.map(({ id, parameters }) => ({
    step: id,
    ...commandPreview(parameters as Parameters<typeof commandPreview>[0]),
  })),
  witness: [],
  predictable: false,
});

const reading: Preview = {
  steps: [{ step: 'run', argv: [['/usr/bin/cat', '/etc/hosts']], diff: null, effects: ['It only reads.'], undo: null }],
  witness: [{ subject: 'path /etc/hosts', property: 'real path', value: '/etc/hosts' }],
  predictable: true,
};

test('when a server worded one command as we do, others are foretold in the same words, until its policy changes', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1', { onPreview: asUs });
  const { registry } = world.fleet;
  const other = draft('command.run', { argv: ['df'], timeout_s: 5, stdin: 'ab', environment: { LANG: 'C' } });
  assert.equal(registry.foretell(id, other), null, 'nothing is known of it yet');
  const first = await registry.preview(id, command('true'));
  assert.deepEqual(registry.foretell(id, command('true')), first);
  assert.deepEqual(registry.foretell(id, other), asUs(other));
  agent.send({ type: 'policy', policy: { ...ordinaryAgent().policy, maxRisk: 'low' } });
  await until('its policy is heard', () => registry.foretell(id, other) === null);
});

test('when a server words it otherwise, as another version may, it is asked each time', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', {
    onPreview: (draft) => ({
      ...asUs(draft),
      steps: asUs(draft).steps.map((it) => ({ ...it, effects: ['Who knows.'] })),
    }),
  });
  await world.fleet.registry.preview(id, command('true'));
  assert.equal(world.fleet.registry.foretell(id, command('true')), null);
});

test('when only the server can know, it is asked: a folder, a secret, anything but a command', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', { onPreview: asUs });
  const { registry } = world.fleet;
  await registry.preview(id, command('true'));
  const secret = draft('command.run', { argv: ['login'], timeout_s: 60, stdin: '{{secret:token}}' });
  await registry.preview(id, secret);
  for (const plan of [
    secret,
    draft('command.run', { argv: ['true'], timeout_s: 60, cwd: '/srv' }),
    draft('unit.restart', { unit: 'nginx.service' }),
  ])
    assert.equal(registry.foretell(id, plan), null);
  assert.ok(registry.foretell(id, command('df')), 'and a plain one is still known');
});

test('when the same reading or own command was previewed on this connection, that is remembered, and forgotten when the server refuses', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1', { onPreview: () => reading });
  const { registry } = world.fleet;
  const asked = draft('command.read', { argv: ['cat', '/etc/hosts'], timeout_s: 60 });
  const own = draft('local.run', { name: 'clear_cache', parameters: {} });
  for (const plan of [asked, own]) {
    assert.equal(registry.foretell(id, plan), null);
    await registry.preview(id, plan);
    assert.deepEqual(registry.foretell(id, plan), reading);
  }
  assert.equal(registry.foretell(id, draft('command.read', { argv: ['cat', '/etc/group'], timeout_s: 60 })), null);
  for (let n = 0; n < 40; n += 1)
    await registry.preview(id, draft('command.read', { argv: ['cat', `/etc/${n}`], timeout_s: 60 }));
  assert.equal(registry.foretell(id, asked), null, 'only so many are kept');
  await registry.preview(id, asked);
  const fault = { code: 'state_drifted', slots: { reason: 'it changed' } };
  agent.report({ type: 'refused', actionId: 'act_000000000001', at: 0, fault });
  await until('it is heard', () => registry.foretell(id, asked) === null);
});

test('when the server gave no sign of life for long, or does not answer a grant, it is asked', async () => {
  const clock = manualClock();
  const { session, answer } = sessionOn(clock);
  const previewed = session.preview(command('true'), 1000);
  answer(asUs(command('true')));
  await previewed;
  const foretells = () => session.foretell(command('df')) !== null;
  assert.ok(foretells());
  await clock.advance(fleetLimits.pingAfterMs + fleetLimits.sweepMs);
  assert.ok(foretells());
  await clock.advance(1);
  assert.equal(foretells(), false, 'it may be gone');
  session.ping();
  session.heard();
  assert.ok(foretells());
  session.ping();
  assert.equal(foretells(), false, 'it was asked for a sign of life and gave none yet');
  session.heard();
  session.dispatch({ grant: { actionId: 'act_000000000001' } } as SignedGrant);
  await clock.advance(2000);
  assert.ok(foretells());
  await clock.advance(1);
  assert.equal(foretells(), false, 'its runner may be gone');
  session.receive(encode({ type: 'started', seq: 1, actionId: 'act_000000000001', at: 0 }));
  assert.ok(foretells());
});

/** A session whose agent is played by the test, frame by frame. */
function sessionOn(clock: Clock) {
  const sent: FromControlPlane[] = [];
  const nothing = () => undefined;
  const wire = { ip: '127.0.0.1', isOpen: true, isPaused: false, send: (m: FromControlPlane) => void sent.push(m) };
  const ends = { ping: nothing, close: nothing, cut: nothing, pause: nothing, resume: nothing };
  const log = { info: nothing, warn: nothing, error: nothing };
  const events = {
    told: nothing,
    takeReport: async () => undefined,
    alive: nothing,
  };
  const of = { serverId: ID, serverName: 'web-1', publicKey: 'k', capabilities: new Set<string>() };
  const session = new AgentSession(
    { clock, ids: systemIds, log, limits: fleetLimits, events },
    { ...wire, ...ends },
    of,
    0,
  );
  const answer = (preview: Preview) => {
    const asked = sent.at(-1);
    const requestId = asked?.type === 'preview' ? asked.requestId : '';
    session.receive(encode({ type: 'previewed', requestId, preview }));
  };
  return { session, answer };
}
