import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { capabilityIds, fault, type PlanDraft } from '@countersign/protocol';
import { signDigest } from '@countersign/protocol/approver-signature';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { makeSigningKey } from '@countersign/protocol/signing';
import { ordinaryReport } from '../../../test/load/ordinary-agent.ts';
import { cleanFault } from '../../src/fleet/clean-arrival.ts';
import { fleetWorld, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';

const never = () => new Promise<never>(() => undefined);
const disk = { path: '/', top: 20 };

test('when a server is asked, it gets the parsed parameters and its answer is checked and returned', async () => {
  const asked: unknown[] = [];
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', {
    onObserve: ({ capability, parameters, timeoutMs }) => {
      asked.push({ capability, parameters, timeoutMs });
      return ordinaryReport(capability);
    },
  });
  const report = await world.fleet.registry.observe(id, 'disk', { path: '/var', top: 5 });
  assert.equal(report.findings[0]?.kind, 'disk.fine');
  assert.deepEqual(asked, [{ capability: 'disk', parameters: { path: '/var', top: 5 }, timeoutMs: 18_000 }]);
});

test('when an answer does not fit the capability, it is refused as the fault of the server', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', { onObserve: () => ({ findings: 'many' }) });
  await assert.rejects(world.fleet.registry.observe(id, 'disk', disk), { code: 'capability_failed' });
});

test('T6, T14: when an answer carries secrets or control characters, they are gone and counted', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', {
    onObserve: () => ({
      ...ordinaryReport('logs'),
      findings: [
        {
          kind: 'logs.errors',
          severity: 'warning',
          title: 'See \u001b]0;title\u0007below',
          evidence: [{ source: 'app.log', untrusted_output: 'AWS AKIAIOSFODNN7EXAMPLE\u202e token: abcdefgh12345678' }],
          causes: [],
          suggestions: [],
        },
      ],
      redactions: 1,
    }),
  });
  const report = await world.fleet.registry.observe(id, 'logs', { since: '1h', lines: 200 });
  assert.equal(report.findings[0]?.title, 'See below');
  assert.equal(report.findings[0]?.evidence[0]?.untrusted_output, 'AWS [redacted] token: [redacted]');
  assert.equal(report.redactions, 3);
});

test('when the agent says that it failed, its fault arrives with the name of the server', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', {
    onObserve: () => {
      throw fault('capability_failed', { server: 'a lie', capability: 'disk', reason: 'no \u0007df' });
    },
  });
  await assert.rejects(world.fleet.registry.observe(id, 'disk', disk), {
    code: 'capability_failed',
    message: 'On server web-1, disk failed: no df.',
  });
});

test('when a server does not answer in time, the caller is told and the request is called off', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  let calledOff = false;
  const { id, agent } = await world.enrolled('web-1', {
    onObserve: (_, signal) => {
      signal.addEventListener('abort', () => {
        calledOff = true;
      });
      return never();
    },
  });
  const asked = agent.next('observe');
  const answer = assert.rejects(world.fleet.registry.observe(id, 'disk', disk, { timeoutMs: 5000 }), {
    code: 'agent_timeout',
    message: 'Server web-1 did not answer within 7 s.',
  });
  await asked;
  await clock.advance(7000);
  await answer;
  await until('it is called off', () => calledOff);
});

test('when nobody waits any more, the request is called off and a late answer harms nobody', async () => {
  await using world = await fleetWorld();
  let answerLate: (value: unknown) => void = () => undefined;
  const { id, agent } = await world.enrolled('web-1', {
    onObserve: ({ capability }) =>
      capability === 'disk'
        ? new Promise((resolve) => {
            answerLate = resolve;
          })
        : ordinaryReport(capability),
  });
  const abort = new AbortController();
  const asked = agent.next('observe');
  const answer = world.fleet.registry.observe(id, 'disk', disk, { signal: abort.signal });
  const { requestId } = await asked;
  const calledOff = agent.next('cancel');
  abort.abort(new Error('the caller left'));
  await assert.rejects(answer, /the caller left/);
  assert.equal((await calledOff).requestId, requestId);
  answerLate(ordinaryReport('disk'));
  agent.send({ type: 'observed', requestId, result: ordinaryReport('disk') as never });
  await world.fleet.registry.observe(id, 'overview', {});
});

test('when the signal is aborted already, nothing is sent', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  await assert.rejects(
    world.fleet.registry.observe(id, 'disk', disk, { signal: AbortSignal.abort(new Error('left')) }),
  );
  assert.ok(!agent.received.some(({ type }) => type === 'observe'));
});

test('when more is asked than a server takes at once, the rest waits its turn, and too much is refused', async () => {
  let underWay = 0;
  let most = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using world = await fleetWorld({ limits: { requestsAtOnce: 4, requestsWaiting: 6 } });
  const { id } = await world.enrolled('web-1', {
    onObserve: async ({ capability }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await released;
      underWay -= 1;
      return ordinaryReport(capability);
    },
  });
  const asked = Array.from({ length: 12 }, () => world.fleet.registry.observe(id, 'overview', {}));
  const outcomes = Promise.allSettled(asked);
  await until('four are under way', () => underWay === 4);
  release();
  const settled = await outcomes;
  assert.equal(most, 4);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 10);
  const refused = settled.filter((it) => it.status === 'rejected').map((it) => (it.reason as { code: string }).code);
  assert.deepEqual(refused, ['agent_busy', 'agent_busy']);
});

test('when the connection breaks, everything that waits is told that the server is offline', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1', { onObserve: never });
  const asked = Array.from({ length: 3 }, () => world.fleet.registry.observe(id, 'disk', disk));
  const next = agent.next('observe');
  await next;
  agent.drop();
  for (const it of await Promise.allSettled(asked))
    assert.equal(it.status === 'rejected' && (it.reason as { code: string }).code, 'server_offline');
  await assert.rejects(world.fleet.registry.observe(id, 'disk', disk), (error: Error) => {
    assert.match(error.message, /^Server web-1 is offline since 20\d\d-/);
    return true;
  });
});

test('when no agent ever connected, or the server does not exist, the caller is told that', async () => {
  await using world = await fleetWorld();
  const { id } = await world.add('web-1');
  await assert.rejects(world.fleet.registry.observe(id, 'overview', {}), {
    message: 'Server web-1 is offline since it was added (no agent has connected yet).',
  });
  await assert.rejects(world.fleet.registry.observe('srv_000000000000', 'overview', {}), { code: 'server_not_found' });
});

test('when an agent lacks a capability, it is not asked for it', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', { capabilities: capabilityIds.filter((it) => it !== 'nginx') });
  await assert.rejects(world.fleet.registry.observe(id, 'nginx', {}), { code: 'capability_missing' });
});

test('T12: when the clock of a server is off by more than a minute, it gets no grant but is still read, and an alert fires', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  let offsetMs = -61_000;
  const { id, agent } = await world.enrolled('web-1', { now: () => clock.now() + offsetMs });
  await assert.rejects(world.fleet.registry.dispatch(id, {} as never), {
    code: 'clock_skew',
    message: 'The clock of server web-1 is 61 s off; changes are refused above 60 s.',
  });
  await world.fleet.registry.observe(id, 'overview', {});
  await until('the alert fires', async () => (await firing(world)).includes('clock_skew'));
  offsetMs = 0;
  agent.heartbeat();
  await until('the alert is resolved', async () => (await firing(world)).length === 0);
});

test('when a server previews a plan, prose is cleaned and what is approved is not touched', async () => {
  const argv = ['/usr/bin/mysql', '--password', 'hunter2hunter2'];
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', {
    onPreview: () => ({
      steps: [
        { step: 'one', argv: [argv], diff: '-secret=old12345\n+secret=new12345\n', effects: ['a\u0007b'], undo: null },
      ],
      witness: [{ subject: 'file /etc/x', property: 'token', value: 'abc' }],
      predictable: true,
    }),
  });
  const preview = await world.fleet.registry.preview(id, draft(id));
  assert.deepEqual(preview.steps[0]?.argv, [argv]);
  assert.deepEqual(preview.witness, [{ subject: 'file /etc/x', property: 'token', value: 'abc' }]);
  assert.equal(preview.steps[0]?.diff, '-secret=[redacted]\n+secret=[redacted]\n');
  assert.deepEqual(preview.steps[0]?.effects, ['ab']);
});

test('when something is too large for a frame, it is refused and the link stays', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1');
  const huge = { ...draft(id), parameters: { content: 'x'.repeat(1024 * 1024) } };
  await assert.rejects(world.fleet.registry.preview(id, huge), { code: 'too_large' });
  await world.fleet.registry.observe(id, 'overview', {});
});

function draft(id: string): PlanDraft {
  return {
    format: 'countersign-plan/2',
    server: { id, name: 'web-1' },
    source: { kind: 'command' },
    title: 'Restart nginx.service on web-1',
    risk: 'medium',
    reversible: false,
    parameters: {},
    preconditions: [],
    steps: [{ id: 'one', capability: 'unit.restart', parameters: { unit: 'nginx.service' }, timeout_ms: 1000 }],
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
    undo: [],
    confirm: null,
  };
}

async function firing(world: Awaited<ReturnType<typeof fleetWorld>>): Promise<string[]> {
  const rows = await world.db.selectFrom('alert').select('kind').where('state', '=', 'firing').execute();
  return rows.map(({ kind }) => kind);
}

test('when a human confirms, the server is told with the signatures; an offline one rejects', async () => {
  const confirmed: unknown[] = [];
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1', { onConfirm: (confirm) => confirmed.push(confirm) });
  const key = makeSigningKey();
  const actionId = 'act_000000000001';
  const digest = confirmationDigest(actionId, 'a'.repeat(64));
  const signature = { kind: 'ed25519', key: key.publicKey, signature: signDigest(digest, key.seed) } as const;
  await world.fleet.registry.confirm(id, actionId, [signature]);
  await until('the server is told', () => confirmed.length === 1);
  assert.deepEqual(confirmed, [{ type: 'confirm', actionId, signatures: [signature] }]);
  await agent.close();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  await assert.rejects(world.fleet.registry.confirm(id, actionId, [signature]), { code: 'server_offline' });
  await assert.rejects(world.fleet.registry.askWitness(id), { code: 'server_offline' });
});

test('when the agent can fail with a code, the code is taken from it as it is', async () => {
  const root = join(import.meta.dirname, '../../../agent/src');
  const codes = new Set<string>();
  for await (const path of glob('**/*.ts', { cwd: root })) {
    const text = await readFile(join(root, path), 'utf8');
    for (const [, code = ''] of text.matchAll(/\bfault\(\s*'([a-z]+_[a-z_]+)'/g)) codes.add(code);
  }
  assert.ok(codes.size > 15, `${codes.size}`);
  const lost = [...codes].filter((code) => cleanFault({ code, slots: {} }, 'web-1').code !== code);
  assert.deepEqual(lost, [], 'add them to the codes of clean-arrival.ts');
});
