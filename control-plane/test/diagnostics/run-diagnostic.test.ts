import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibrary } from '@countersign/playbooks';
import { type DiagnosticReport, fault } from '@countersign/protocol';
import { diagnosisSchema } from '@countersign/protocol/operator-api/index';
import { ordinaryAgent, ordinaryReport } from '../../../test/load/ordinary-agent.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { Cooldown } from '../../src/diagnostics/cooldown.ts';
import { type Asked, runDiagnostic } from '../../src/diagnostics/run-diagnostic.ts';
import { removeServer } from '../../src/fleet/remove-server.ts';
import type { Caller } from '../../src/ports.ts';
import { audited, type FleetWorld, fleetWorld, until } from '../fleet/fleet-world.ts';
import { manualClock } from '../fleet/manual-clock.ts';

const caller: Caller = {
  person: { id: 'prs_000000000000', name: 'Ada', role: 'owner' },
  via: 'mcp',
  token: { id: 'tok_000000000000', name: 'laptop', scope: 'read' },
  session: null,
  client: 'claude-code',
  ip: '127.0.0.1',
};

const { playbooks } = await loadLibrary();

function diagnosing(world: FleetWorld) {
  const deps = { ...world.core, playbooks, fleet: world.fleet.registry, cooldown: new Cooldown(world.core.clock) };
  return (asked: Partial<Asked>, signal = new AbortController().signal) =>
    runDiagnostic(deps, caller, { server: 'web-1', ...asked } as Asked, signal);
}

function finding(diagnostic: string, severity: 'critical' | 'warning' | 'ok', output = ''): DiagnosticReport {
  const report = ordinaryReport(diagnostic);
  const evidence = output === '' ? [] : [{ source: diagnostic, untrusted_output: output }];
  return { ...report, findings: report.findings.map((it) => ({ ...it, severity, evidence })) };
}

const never = () => new Promise<never>(() => undefined);

test('when diagnostics are named, they run at once and their findings come ranked, the worst first', async () => {
  let underWay = 0;
  let most = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using world = await fleetWorld();
  await world.enrolled('web-1', {
    onObserve: async ({ capability }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      if (underWay === 3) release();
      await released;
      return finding(capability, capability === 'disk' ? 'critical' : capability === 'nginx' ? 'warning' : 'ok');
    },
  });
  const diagnosis = await diagnosing(world)({ diagnostics: ['overview', 'nginx', 'disk'] });
  assert.equal(most, 3, 'all at the same time');
  assert.deepEqual(
    diagnosis.findings.map((it) => it.diagnostic),
    ['disk', 'nginx', 'overview'],
  );
  assert.equal(diagnosis.chosen_because, null);
  assert.deepEqual(diagnosisSchema.parse(diagnosis), diagnosis);
});

test('when it ran, the timeline and the audit log say who looked at what and what came of it', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1', { onObserve: ({ capability }) => finding(capability, 'warning') });
  await diagnosing(world)({ diagnostics: ['service'], parameters: { unit: 'nginx' } });
  const [entry] = await audited(world, 'diagnostic.ran');
  assert.equal(entry?.server_id, id);
  assert.equal(entry?.person_id, caller.person.id);
  assert.deepEqual(entry?.details.diagnostics, ['service']);
  assert.deepEqual(entry?.details.parameters, { unit: 'nginx' });
  assert.equal(entry?.details.worst, 'warning');
  const line = await world.db
    .selectFrom('timeline_entry')
    .selectAll()
    .where('kind', '=', 'diagnostic')
    .executeTakeFirst();
  assert.equal(line?.title, 'Diagnosed web-1 (service): 1 warning');
  assert.equal(line?.by, 'Ada');
});

test('when some diagnostics fail, the others are answered and each failure says why', async () => {
  await using world = await fleetWorld();
  await world.enrolled('web-1', {
    capabilities: ['overview', 'disk', 'logs'],
    onObserve: ({ capability }) => {
      if (capability === 'disk') throw fault('capability_failed', { capability, reason: 'df: no such file' });
      return finding(capability, 'ok');
    },
  });
  const diagnosis = await diagnosing(world)({ diagnostics: ['overview', 'disk', 'nginx'] });
  assert.deepEqual(
    diagnosis.diagnostics.map(({ diagnostic, error }) => [diagnostic, error?.code ?? null]),
    [
      ['overview', null],
      ['disk', 'capability_failed'],
      ['nginx', 'capability_missing'],
    ],
  );
  assert.equal(diagnosis.diagnostics[1]?.error?.message, 'On server web-1, disk failed: df: no such file.');
  const blind = diagnosis.findings.filter(({ kind }) => kind === 'diagnostic.blind_spot');
  assert.deepEqual(
    blind.map(({ diagnostic }) => diagnostic),
    ['disk', 'nginx'],
  );
});

test('when a diagnostic hangs, the answer comes after 20 s with the others', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  let asked = 0;
  const { agent } = await world.enrolled('web-1', {
    onObserve: ({ capability }) => {
      asked += 1;
      return capability === 'disk' ? never() : finding(capability, 'ok');
    },
  });
  const answered = diagnosing(world)({ diagnostics: ['disk', 'overview'] });
  await until('both were asked', () => asked === 2);
  const calledOff = agent.next('cancel');
  await clock.advance(20_000);
  const diagnosis = await answered;
  assert.deepEqual(
    diagnosis.diagnostics.map(({ diagnostic, error }) => [diagnostic, error?.code ?? null]),
    [
      ['disk', 'agent_timeout'],
      ['overview', null],
    ],
  );
  await calledOff;
});

test('when everything fails, the reason is the answer', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1', { capabilities: ['overview'] });
  const run = diagnosing(world);
  await assert.rejects(run({ diagnostics: ['nginx'] }), { code: 'capability_missing' });
  agent.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  await assert.rejects(run({ diagnostics: ['overview', 'disk'] }), { code: 'server_offline' });
});

test('when the caller leaves, the run ends and the server is told', async () => {
  await using world = await fleetWorld();
  const { agent } = await world.enrolled('web-1', { onObserve: never });
  const abort = new AbortController();
  const asked = agent.next('observe');
  const answer = assert.rejects(diagnosing(world)({ diagnostics: ['disk'] }, abort.signal), /left/);
  await asked;
  const calledOff = agent.next('cancel');
  abort.abort(new Error('left'));
  await answer;
  await calledOff;
  assert.deepEqual(await audited(world, 'diagnostic.ran'), []);
});

test('when trouble is described, what fits runs with what was read out of the words', async () => {
  const asked: Record<string, unknown> = {};
  await using world = await fleetWorld();
  await world.enrolled('web-1', {
    onObserve: ({ capability, parameters }) => {
      asked[capability] = parameters;
      return finding(capability, 'ok');
    },
  });
  const diagnosis = await diagnosing(world)({ description: 'redis on web-1 is down, connection refused on port 6379' });
  assert.deepEqual(asked.service, { unit: 'redis.service' });
  assert.deepEqual(asked.network_ports, { port: 6379 });
  assert.ok(asked.overview);
  assert.match(diagnosis.chosen_because ?? '', /service: .*redis/);
  const [entry] = await audited(world, 'diagnostic.ran');
  assert.match(String(entry?.details.description), /redis on web-1/);
});

test('when a server was diagnosed broadly less than 30 s ago, it is left in peace; single diagnostics still run', async () => {
  const clock = manualClock();
  await using world = await fleetWorld({ clock });
  await world.enrolled('web-1');
  await world.enrolled('web-2');
  const run = diagnosing(world);
  await run({ description: 'it is slow' });
  await clock.advance(10_000);
  await assert.rejects(run({ description: 'it is slow' }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'diagnostic_cooldown');
    assert.match((error as never as { body: { next_step: string } }).body.next_step, /Wait 20 s/);
    return true;
  });
  await run({ diagnostics: ['overview'] });
  await run({ server: 'web-2', description: 'it is slow' });
  await clock.advance(20_000);
  await run({ description: 'it is slow' });
});

test('when two broad diagnoses come at once, one runs', async () => {
  await using world = await fleetWorld();
  await world.enrolled('web-1');
  const run = diagnosing(world);
  const outcomes = await Promise.allSettled([run({ description: 'slow' }), run({ description: 'slow' })]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('when a server was offline, the next broad diagnosis need not wait', async () => {
  await using world = await fleetWorld();
  const { id, agent } = await world.enrolled('web-1');
  agent.drop();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  const run = diagnosing(world);
  await assert.rejects(run({ description: 'slow' }), { code: 'server_offline' });
  await agent.connect();
  await run({ description: 'slow' });
});

test('when the server is unknown or was removed, the caller is told that', async () => {
  await using world = await fleetWorld();
  const { id } = await world.enrolled('web-1');
  const run = diagnosing(world);
  await assert.rejects(run({ server: 'web-9', diagnostics: ['disk'] }), { code: 'server_not_found' });
  await removeServer({ ...world.core, fleet: world.fleet.registry }, whoIs('system'), id);
  await assert.rejects(run({ server: id, diagnostics: ['disk'] }), { code: 'server_revoked' });
  await assert.rejects(run({ diagnostics: ['disk'] }), { code: 'server_not_found' });
});

test('T14: when a server sends secrets and floods of text, the answer is clean and under 32 KiB', async () => {
  await using world = await fleetWorld();
  await world.enrolled('web-1', {
    onObserve: ({ capability }) => ({
      ...finding(capability, 'critical'),
      findings: Array.from({ length: 50 }, () => ({
        ...ordinaryReport(capability).findings[0],
        severity: 'warning',
        evidence: Array.from({ length: 2 }, () => ({
          source: 'log',
          untrusted_output: `password=hunter2hunter2 ${'x '.repeat(3900)}`,
        })),
      })),
    }),
  });
  const diagnosis = await diagnosing(world)({ diagnostics: ['logs', 'nginx', 'overview'] });
  const text = JSON.stringify(diagnosis);
  assert.ok(Buffer.byteLength(text) < 32 * 1024);
  assert.ok(!text.includes('hunter2'));
  assert.ok(diagnosis.truncated);
  assert.equal(diagnosis.redactions, 300);
});

test('when agents suggest what cannot be run, it is taken out and logged; what does not fit the server says why', async () => {
  await using world = await fleetWorld();
  const suggestions = [
    { playbook: 'service.restart', parameters: { unit: 7 }, why: 'It is broken.' },
    { playbook: 'docker.restart', parameters: { container: 'shop' }, why: 'It hangs.' },
    { playbook: 'service.restart', parameters: { unit: 'shop.service' }, why: 'It hangs.' },
  ];
  const ordinary = ordinaryAgent();
  await world.enrolled('web-1', {
    facts: { ...ordinary.facts, software: ['nginx'] },
    onObserve: ({ capability }) => {
      const report = finding(capability, 'critical');
      return { ...report, findings: report.findings.map((it) => ({ ...it, suggestions })) };
    },
  });
  const { findings } = await diagnosing(world)({ diagnostics: ['overview'] });
  assert.deepEqual(
    findings[0]?.suggestions.map(({ playbook, unfit }) => [playbook, unfit]),
    [
      ['service.restart', undefined],
      ['docker.restart', 'docker is not installed there'],
    ],
  );
  const defect = world.logged.find(({ event }) => event === 'suggestion.invalid');
  assert.equal(defect?.level, 'error');
  assert.equal(defect?.fields.playbook, 'service.restart');
});

test('when findings of two diagnostics belong together, they are told as one, the worst first', async () => {
  await using world = await fleetWorld();
  const since = new Date(world.core.clock.now() - 60_000).toISOString();
  await world.enrolled('web-1', {
    onObserve: ({ capability }) => {
      const report = finding(
        capability,
        capability === 'overview' ? 'ok' : 'critical',
        'write: No space left on device',
      );
      const told: Record<string, { kind: string; title: string; since?: string }> = {
        disk: { kind: 'disk.mount_full', title: '/var is 100 % full; 0 bytes of 4 GB are free.' },
        failed_units: { kind: 'service.failed', title: 'shop.service (Shop) has failed: exit-code, status 1.', since },
      };
      return { ...report, findings: report.findings.map((it) => ({ ...it, ...told[capability] })) };
    },
  });
  const diagnosis = await diagnosing(world)({ diagnostics: ['overview', 'failed_units', 'disk'] });
  assert.deepEqual(
    diagnosis.findings.map(({ kind }) => kind),
    ['together.disk_full', 'overview.fine'],
  );
  assert.equal(diagnosis.findings[0]?.since, since);
  assert.deepEqual(diagnosisSchema.parse(diagnosis), diagnosis);
});
