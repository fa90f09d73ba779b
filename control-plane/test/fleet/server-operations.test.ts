import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { whoIs } from '../../src/audit/ledger.ts';
import { removeServer } from '../../src/fleet/remove-server.ts';
import { audited, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';
import { assistant, operationsWorld } from './operations-world.ts';

test('when a server is added, its install command enrols an agent, and the ladder shows each rung', async () => {
  await using world = await operationsWorld({ clock: manualClock() });
  const added = await world.call('addServer', { name: 'web-1', labels: { env: 'prod' } });
  assert.equal(added.server.state, 'awaiting_agent');
  assert.match(added.enrolment_token, /^cse_/);
  assert.ok(added.install_command.includes(`--token ${added.enrolment_token}`));
  assert.ok(added.install_command.includes(`--cp-key ${world.key.publicKey}`));
  const before = await world.call('getEnrolment', { server: 'web-1' });
  assert.deepEqual([before.state, before.steps], ['waiting', []]);
  await world.agent({ token: added.enrolment_token }).connect();
  const after = await world.call('getEnrolment', { server: 'web-1' });
  assert.equal(after.state, 'ready');
  assert.deepEqual(
    after.steps.map(({ step }) => step),
    ['contacted', 'key_verified', 'checked', 'ready'],
  );
  assert.match(
    after.steps[2]?.note ?? '',
    /Debian GNU\/Linux 12, x64; systemd; runner is root; changes allowed; clock 0\.0 s off/,
  );
  const [entry] = await audited(world, 'server.added');
  assert.equal(entry?.person_id, 'prs_000000000001');
  assert.ok(!entry?.body.includes(added.enrolment_token));
});

test('when the token runs out unused, the ladder says so, and a new command starts it again', async () => {
  const clock = manualClock();
  await using world = await operationsWorld({ clock });
  const added = await world.call('addServer', { name: 'web-1' });
  await clock.advance(16 * 60_000);
  assert.equal((await world.call('getEnrolment', { server: 'web-1' })).state, 'expired');
  const renewed = await world.call('renewEnrolment', { server: 'web-1' });
  assert.notEqual(renewed.enrolment_token, added.enrolment_token);
  assert.equal((await world.call('getEnrolment', { server: 'web-1' })).state, 'waiting');
  await world.agent({ token: renewed.enrolment_token }).connect();
  assert.equal((await world.call('getEnrolment', { server: 'web-1' })).state, 'ready');
});

test('when the install command is run by a shell, the shell passes every word as it is', async () => {
  await using world = await operationsWorld({ tlsPin: 'sha256//AbC+/d=' });
  const { install_command, careful_install_command } = await world.call('addServer', { name: 'web-1' });
  const stubs = 'curl() { printf "curl[%s]" "$@" >&2; }; sudo() { printf "sudo[%s]" "$@"; }; less() { :; };';
  for (const command of [install_command, careful_install_command]) {
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `${stubs} ${command}`]);
    assert.match(stderr, /curl\[--pinnedpubkey\]curl\[sha256\/\/AbC\+\/d=\]/);
    assert.ok(stderr.includes(`curl[${world.url}/install.sh]`), stderr);
    assert.match(stdout, /sudo\[--tls-pin\]sudo\[sha256\/\/AbC\+\/d=\]/);
    assert.ok(stdout.includes(`sudo[${world.key.publicKey}]`));
  }
});

test('when a name is taken, it is said which; a removed server frees its name', async () => {
  await using world = await operationsWorld();
  const { server } = await world.call('addServer', { name: 'web-1' });
  await assert.rejects(world.call('addServer', { name: 'web-1' }), { code: 'server_name_taken' });
  await assert.rejects(world.call('addServer', { name: 'Web 1' }), { code: 'invalid_input' });
  await world.call('removeServer', { server: 'web-1' });
  await assert.rejects(world.call('removeServer', { server: server.id }), { code: 'server_revoked' });
  await world.call('addServer', { name: 'web-1' });
  assert.equal((await world.call('getServerStatus', { server: server.id })).state, 'revoked');
  assert.equal((await world.call('getServerStatus', { server: 'web-1' })).state, 'awaiting_agent');
  assert.deepEqual(
    (await world.call('listServers', { state: 'revoked' })).servers.map(({ id }) => id),
    [server.id],
  );
});

test('when a server is online, its facts, figures, policy and history are shown', async () => {
  const clock = manualClock();
  await using world = await operationsWorld({ clock });
  const { agent } = await world.enrolled('web-1', { policy: { mode: 'observe' } });
  agent.heartbeat({ load1PerCpu: 1.5 });
  await until('it arrived', async () => (await world.call('getServerStatus', { server: 'web-1' })).sample !== null);
  await clock.advance(2000);
  const shown = () => world.as(assistant)('getServerStatus', { server: 'web-1' });
  await until('it is in the history', async () => (await shown()).history.length > 0);
  const status = await shown();
  assert.equal(status.state, 'online');
  assert.equal(status.os, 'Debian GNU/Linux 12');
  assert.equal(status.mode, 'observe');
  assert.equal(status.sample?.load1_per_cpu, 1.5);
  assert.equal(status.history.length, 1);
  assert.equal(status.clock_offset_ms, 0);
  assert.equal(status.agent_version, '0.1.0');
  assert.equal(status.thresholds.offlineSeconds, 90);
  agent.drop();
  await until('it is gone', async () => (await world.call('getServerStatus', { server: 'web-1' })).state === 'offline');
});

test('when there are many servers, pages follow each other without gap or repeat, filtered by state and label', async () => {
  await using world = await operationsWorld();
  for (let n = 0; n < 25; n += 1)
    await world.call('addServer', { name: `web-${n}`, labels: { role: n % 2 === 0 ? 'even' : 'odd' } });
  const online = await world.enrolled('db-1');
  const all: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await world.call('listServers', { limit: 10, ...(cursor ? { cursor } : {}) });
    assert.ok(page.servers.length <= 10);
    all.push(...page.servers.map(({ name }) => name));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.equal(all.length, 26);
  assert.deepEqual(all, [...new Set(all)].sort());
  const odd = await world.call('listServers', { label: 'role=odd', limit: 5 });
  assert.ok(odd.servers.every(({ labels }) => labels.role === 'odd'));
  assert.notEqual(odd.next_cursor, null);
  const rest = await world.call('listServers', { label: 'role=odd', limit: 50, cursor: odd.next_cursor ?? '' });
  assert.equal(odd.servers.length + rest.servers.length, 12);
  assert.deepEqual(
    (await world.call('listServers', { state: 'online' })).servers.map(({ id }) => id),
    [online.id],
  );
  assert.equal((await world.call('listServers', { state: 'awaiting_agent', limit: 200 })).servers.length, 25);
});

test('when a reference, label or cursor is wrong, the caller is told which', async () => {
  await using world = await operationsWorld();
  await assert.rejects(world.call('getServerStatus', { server: 'nope' }), { code: 'server_not_found' });
  await assert.rejects(world.call('listServers', { label: 'no-equals-sign' }), { code: 'invalid_input' });
  await assert.rejects(world.call('listServers', { cursor: "x' or 1=1" }), { code: 'invalid_input' });
  await assert.rejects(world.call('renewEnrolment', { server: 'nope' }), { code: 'server_not_found' });
  await assert.rejects(world.call('setThresholds', { server: 'nope', thresholds: {} }), { code: 'server_not_found' });
  await assert.rejects(world.call('getEnrolment', { server: 'nope' }), { code: 'server_not_found' });
});

test('when thresholds are set, they are kept, audited, and a value out of bounds changes nothing', async () => {
  await using world = await operationsWorld();
  await world.enrolled('web-1');
  await world.call('setThresholds', { server: 'web-1', thresholds: { diskUsedRatio: 0.8 } });
  assert.equal((await world.call('getServerStatus', { server: 'web-1' })).thresholds.diskUsedRatio, 0.8);
  await assert.rejects(world.call('setThresholds', { server: 'web-1', thresholds: { diskUsedRatio: 80 } }), {
    code: 'invalid_input',
  });
  assert.equal((await audited(world, 'server.thresholds_changed')).length, 1);
});

test('T5: when an assistant tries what only people may do, it is refused', async () => {
  await using world = await operationsWorld();
  await world.call('addServer', { name: 'web-1' });
  const call = world.as(assistant);
  for (const attempt of [
    call('addServer', { name: 'web-2' }),
    call('renewEnrolment', { server: 'web-1' }),
    call('removeServer', { server: 'web-1' }),
    call('setThresholds', { server: 'web-1', thresholds: {} }),
    call('getEnrolment', { server: 'web-1' }),
    call('getOverview', {}),
    call('createHook', { name: 'x', kind: 'grafana' }),
    call('listHooks', {}),
    call('removeHook', { hook: 'hok_000000000000' }),
  ])
    await assert.rejects(attempt, { code: 'forbidden' });
});

test('when an assistant asks what it can do, it learns the rules, the diagnostics and what one server allows', async () => {
  await using world = await operationsWorld();
  await world.enrolled('web-1', { capabilities: ['overview', 'disk'], policy: { commands: true, maxRisk: 'medium' } });
  const call = world.as(assistant);
  const general = await call('getCapabilities', {});
  assert.equal(general.server, null);
  assert.deepEqual(general.you, { person: 'Ada', token: 'laptop', scope: 'read' });
  const service = general.diagnostics.find(({ id }) => id === 'service');
  assert.deepEqual(service?.parameters, ['unit (needed)']);
  const logs = general.diagnostics.find(({ id }) => id === 'logs');
  assert.ok(logs?.parameters.includes('since = 1h'), String(logs?.parameters));
  assert.ok(
    logs?.parameters.some((it) => /^grep \(optional\): plain text/.test(it)),
    String(logs?.parameters),
  );
  const { server } = await call('getCapabilities', { server: 'web-1' });
  assert.equal(server?.commands, true);
  assert.equal(server?.max_risk, 'medium');
  assert.ok(server?.missing_diagnostics.includes('nginx'));
  assert.ok(!server?.missing_diagnostics.includes('disk'));
});

test('when a diagnosis is asked for by the operator API, either ids or a description is needed', async () => {
  await using world = await operationsWorld();
  await world.enrolled('web-1');
  const call = world.as(assistant);
  assert.equal((await call('runDiagnostic', { server: 'web-1', diagnostics: ['disk'] })).findings.length, 1);
  await assert.rejects(call('runDiagnostic', { server: 'web-1' }), { code: 'invalid_input' });
  await assert.rejects(call('runDiagnostic', { server: 'web-1', diagnostics: ['disk'], description: 'disk full' }), {
    code: 'invalid_input',
  });
  await assert.rejects(call('runDiagnostic', { server: 'web-1', diagnostics: ['disc' as never] }), {
    code: 'invalid_input',
  });
  await call('runDiagnostic', { server: 'web-1', description: 'disk full' });
  await assert.rejects(call('runDiagnostic', { server: 'web-1', description: 'disk full' }), {
    code: 'diagnostic_cooldown',
  });
});

test('when people open the overview, it counts servers, shows what fires, and ticks what is set up', async () => {
  await using world = await operationsWorld();
  const empty = await world.call('getOverview', {});
  assert.deepEqual(empty.servers, { online: 0, offline: 0, awaiting_agent: 0 });
  const done = (overview: typeof empty) => overview.checklist.filter((it) => it.done).map(({ step }) => step);
  assert.deepEqual(done(empty), ['account']);
  const { agent } = await world.enrolled('web-1');
  await world.enrolled('web-2', { agentVersion: '0.0.9' });
  await world.call('addServer', { name: 'web-3' });
  await agent.acknowledged(agent.alert({ title: 'Disk / is 95 % full' }));
  const overview = await world.call('getOverview', {});
  assert.deepEqual(overview.servers, { online: 2, offline: 0, awaiting_agent: 1 });
  assert.deepEqual(
    overview.firing.map(({ title, server }) => [title, server?.name]),
    [['Disk / is 95 % full', 'web-1']],
  );
  assert.deepEqual(done(overview), ['account', 'server']);
  assert.ok(overview.notices.some(({ text }) => text.startsWith('1 agent of another version')));
  assert.ok(overview.notices.some(({ text }) => text.includes('authenticator app')));
});

test('when a server is removed, its alerts end with it', async () => {
  await using world = await operationsWorld();
  const { id, agent } = await world.enrolled('web-1');
  await agent.acknowledged(agent.alert());
  assert.equal((await world.call('listServers', {})).servers[0]?.firing_alerts, 1);
  await removeServer({ ...world.core, fleet: world.fleet.registry }, whoIs('system'), id);
  assert.deepEqual((await world.call('listAlerts', {})).alerts, []);
});
