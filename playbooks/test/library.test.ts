import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  describe,
  explain,
  fits,
  formatProblem,
  isRequired,
  loadLibrary,
  type Playbook,
  parseParameters,
  playbookView,
  renderDiagnostics,
  renderPlan,
  sampleValue,
} from '@countersign/playbooks';
import { capabilityIds, planDraftSchema } from '@countersign/protocol';
import { playbookViewSchema } from '@countersign/protocol/operator-api/index';

const { playbooks, problems } = await loadLibrary();
const server = { id: 'srv_000000000000', name: 'web-1' };
const get = (id: string): Playbook => playbooks.get(id) ?? assert.fail(`no playbook ${id}`);
const setKey = { path: '/etc/nginx/nginx.conf', format: 'nginx', key: 'listen', value: '8080' };

test('when the built-in library is loaded, every playbook is right', () => {
  assert.deepEqual(problems.map(formatProblem), []);
  assert.deepEqual([...playbooks.keys()].sort(), [
    'agent.repair',
    'agent.uninstall',
    'agent.update',
    'apt.unlock_repair',
    'compose.redeploy',
    'config.set_key',
    'conntrack.raise',
    'cron.run_or_pause',
    'deploy.pull_restart',
    'deploy.rollback',
    'disk.apt_clean',
    'disk.clean_tmp',
    'disk.docker_prune',
    'disk.journal_vacuum',
    'disk.logrotate',
    'disk.release_deleted',
    'disk.truncate_log',
    'dns.fix_resolver',
    'docker.restart',
    'fd.raise_limit',
    'firewall.apply_rules',
    'fs.remount_rw',
    'host.reboot',
    'inodes.clean_sessions',
    'k8s.delete_failed_pods',
    'k8s.rollout_restart',
    'k8s.scale',
    'mem.drop_offender',
    'nginx.maintenance',
    'nginx.reload_safe',
    'pg.cancel_query',
    'pg.terminate_idle_tx',
    'pg.vacuum_analyze',
    'pkg.security_updates',
    'post_deploy',
    'proc.reap_zombies',
    'proc.renice',
    'redis.relieve',
    'security.sweep',
    'service.enable_disable',
    'service.memory_limit',
    'service.reload',
    'service.reset_failed',
    'service.restart',
    'service.start',
    'service.stop',
    'slow.host',
    'ssh.block_ip',
    'ssh.harden',
    'swap.add',
    'swap.cycle',
    'time.resync',
    'tls.renew',
    'triage',
    'web.down',
  ]);
});

test('when every parameter is a sample, or only the required ones are, each playbook renders and explains itself', () => {
  for (const playbook of playbooks.values()) {
    const all = Object.entries(playbook.parameters);
    for (const entries of [all, all.filter(([, parameter]) => isRequired(parameter))]) {
      const parameters = Object.fromEntries(entries.map(([name, parameter]) => [name, sampleValue(parameter)]));
      if (playbook.effect === 'mutate') planDraftSchema.parse(renderPlan(playbook, { server, parameters }));
      else assert.ok(renderDiagnostics(playbook, parameters).length > 0);
      for (const sentence of explain(playbook, parseParameters(playbook, parameters))) {
        assert.match(sentence, /^[A-Z].*\.$/);
        assert.doesNotMatch(sentence, /\{\{|undefined/);
      }
    }
    playbookViewSchema.parse(playbookView(playbook));
  }
});

test('when parameters are left out, parts that depend on them are too', () => {
  const bare = renderPlan(get('config.set_key'), { server, parameters: setKey });
  assert.deepEqual(
    bare.steps.map(({ id }) => id),
    ['set'],
  );
  assert.deepEqual(
    bare.undo.map(({ capability }) => capability),
    ['file.restore'],
  );
  const full = renderPlan(get('config.set_key'), {
    server,
    parameters: {
      ...setKey,
      section: 'http.server',
      unit: 'nginx',
      probe_url: 'http://127.0.0.1/',
      probe_status: 301,
      validator: 'nginx',
      watch: '5s',
    },
  });
  assert.deepEqual(
    full.steps.map(({ id }) => id),
    ['set', 'reload'],
  );
  assert.deepEqual(
    full.undo.map(({ capability }) => capability),
    ['file.restore', 'unit.restore'],
  );
  assert.deepEqual(full.check.probes.at(-1), {
    capability: 'http.probe',
    parameters: { url: 'http://127.0.0.1/' },
    expect: { status: { is: 301 } },
  });
  assert.equal(full.check.stable_ms, 5000);
  assert.equal(full.steps[1]?.parameters.unit, 'nginx.service');
  assert.equal(full.title, 'Set listen to 8080 in /etc/nginx/nginx.conf on web-1');
  assert.equal(full.reversible, true);
});

test('when the same request is rendered twice, the plans are equal', () => {
  const parameters = { unit: 'nginx' };
  assert.deepEqual(
    renderPlan(get('service.restart'), { server, parameters }),
    renderPlan(get('service.restart'), { server, parameters }),
  );
});

test('when parameters do not fit, every field that is wrong is named and nothing is rendered', () => {
  const render = (id: string, parameters: Record<string, unknown>) => () => renderPlan(get(id), { server, parameters });
  assert.throws(render('service.restart', {}), { code: 'invalid_input', message: /parameters\.unit: is needed/ });
  assert.throws(render('service.restart', { unit: 'a; rm -rf /', nope: 1 }), /parameters\.nope.*parameters\.unit/);
  assert.throws(render('disk.journal_vacuum', { keep: '50M' }), /parameters\.keep: at least 100M/);
  assert.throws(render('disk.clean_tmp', { older_than: '1h' }), /at least 24h/);
  assert.throws(render('disk.clean_tmp', { max_files: '5' }), /parameters\.max_files/);
  assert.throws(render('service.restart', { unit: 'nginx', probe_url: 'http://169.254.169.254/' }), {
    code: 'invalid_input',
    message: /http\.probe: url/,
  });
  assert.throws(render('config.set_key', { ...setKey, path: '/etc/../shadow' }), /parameters\.path/);
  assert.throws(render('config.set_key', { ...setKey, value: 'a\nb' }), /parameters\.value/);
  assert.throws(render('triage', {}), { code: 'invalid_input' });
  assert.throws(
    () => renderPlan(get('service.restart'), { server, parameters: JSON.parse('{"__proto__": "x", "unit": "a"}') }),
    /invalid_input|no such parameter/,
  );
});

test('when a value looks like a secret, it is refused', () => {
  const render = (parameters: Record<string, unknown>) => () =>
    renderPlan(get('config.set_key'), { server, parameters: { ...setKey, ...parameters } });
  assert.throws(render({ value: `ghp_${'a1B2'.repeat(8)}` }), { code: 'secret_parameter' });
  assert.throws(render({ key: 'db_password', value: 'hunter2hunter2' }), { code: 'secret_parameter' });
  assert.throws(render({ key: 'dsn', value: 'postgres://u:pass1234@h/db' }), { code: 'secret_parameter' });
  for (const [key, value] of [
    ['token_ttl', '300'],
    ['auth', 'off'],
    ['ssl_certificate_key', '/etc/ssl/private/a.key'],
    ['root', '/var/www'],
  ] as const)
    assert.ok(render({ key, value })(), key);
});

test('when a value holds references or patterns, it is taken as it is', () => {
  const plan = renderPlan(get('config.set_key'), { server, parameters: { ...setKey, value: '{{path}} $& $1' } });
  assert.equal(plan.steps[0]?.parameters.value, '{{path}} $& $1');
  assert.match(plan.title, /^Set listen to \{\{path\}\} \$& \$1 in /);
  assert.match(describe(get('service.restart'), { unit: 'a\u202eb' }), /a\\u\{202e\}b/);
});

test('when discovery found what a playbook works on, or could not look, it fits; else it does not, with the reason', () => {
  const abilities = { capabilities: [...capabilityIds], systemd: true, software: null, policy: null };
  const nothing = { units: ['nginx.service'], kinds: [], blind: [] };
  const needy = { ...get('service.restart'), needs: ['virtual_host' as const] };
  assert.equal(fits(needy, abilities).fits, true, 'nobody has looked');
  assert.equal(fits(needy, { ...abilities, discovered: nothing }).reason, 'discovery found no virtual host there');
  assert.equal(fits(needy, { ...abilities, discovered: { ...nothing, kinds: ['virtual_host'] } }).fits, true);
  assert.equal(fits(needy, { ...abilities, discovered: { ...nothing, blind: ['virtual_host'] } }).fits, true);
  const nginx = get('nginx.reload_safe');
  assert.equal(fits(nginx, { ...abilities, discovered: nothing }).fits, true);
  const bare = { ...nothing, units: ['cron.service'] };
  assert.equal(fits(nginx, { ...abilities, discovered: bare }).reason, 'there is no unit nginx.service there');
  assert.equal(fits(nginx, { ...abilities, discovered: { ...bare, units: null } }).fits, true);
});

test('when a playbook does not fit a server, the reason is given', () => {
  const abilities = { capabilities: [...capabilityIds], systemd: true, software: null, policy: null };
  const policy = {
    mode: 'act',
    maxRisk: 'high',
    commands: false,
    readRoots: [],
    writeRoots: [],
    lock: null,
  } as const;
  const restart = get('service.restart');
  const shared = { ...policy, readRoots: [], writeRoots: [] };
  assert.deepEqual(fits(restart, abilities), { fits: true });
  const needy = { ...restart, needs: ['docker', 'compose'] } as Playbook;
  assert.equal(fits(needy, { ...abilities, software: ['docker'] }).reason, 'compose is not installed there');
  assert.equal(fits(needy, abilities).fits, true, 'what is not told is not held against a server');
  assert.match(fits(restart, { ...abilities, systemd: false }).reason ?? '', /systemd/);
  assert.match(
    fits(restart, { ...abilities, capabilities: ['overview'] }).reason ?? '',
    /no capability unit\.state, unit\.restart/,
  );
  assert.match(fits(restart, { ...abilities, policy: { ...shared, mode: 'observe' } }).reason ?? '', /reading only/);
  assert.match(fits(restart, { ...abilities, policy: { ...shared, maxRisk: 'low' } }).reason ?? '', /risk is medium/);
  assert.equal(
    fits(get('triage'), { ...abilities, systemd: false, policy: { ...shared, mode: 'observe' } }).fits,
    true,
  );
  assert.equal(fits(get('web.down'), { ...abilities, capabilities: ['overview'] }).fits, true, 'one reading is enough');
  assert.match(fits(get('web.down'), { ...abilities, capabilities: [] }).reason ?? '', /none of the diagnostics/);
  assert.equal(fits(get('disk.clean_tmp'), { ...abilities, systemd: false, policy: shared }).fits, true);
});

test('when a folder holds broken and doubled playbooks, the others load and the problems are told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-library-'));
  try {
    writeFileSync(join(folder, 'a.yaml'), get('triage').yaml);
    writeFileSync(join(folder, 'b.yaml'), get('triage').yaml);
    writeFileSync(join(folder, 'c.yaml'), 'id: [');
    writeFileSync(join(folder, 'd.txt'), 'not one');
    const loaded = await loadLibrary(folder);
    assert.deepEqual([...loaded.playbooks.keys()], ['triage']);
    assert.deepEqual(
      loaded.problems.map(({ file }) => file),
      ['b.yaml', 'c.yaml'],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('T14: when a playbook refers to a secret of the server, the plan keeps the reference, and only where it may stand', async () => {
  const yaml = (steps: string, title = 'Rotate') => `id: shop.rotate
version: 1
title: ${title}
summary: Puts the present password in.
parameters: { path: { type: path, summary: The file. } }
steps:
${steps}
check: { probes: [{ capability: file.state, parameters: { path: "{{path}}" }, expect: { kind: { is: file } } }] }
`;
  const set = (value: string) =>
    `  - { id: set, capability: config.set_key, parameters: { path: "{{path}}", format: env, key: DB_PASSWORD, value: "${value}" } }`;
  const load = async (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-secret-'));
    writeFileSync(join(folder, 'one.yaml'), text);
    try {
      return await loadLibrary(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const good = await load(yaml(set('{{secret:db_password}}')));
  assert.deepEqual(good.problems.map(formatProblem), []);
  const plan = renderPlan(good.playbooks.get('shop.rotate') ?? assert.fail(), {
    server,
    parameters: { path: '/srv/.env' },
  });
  assert.equal(plan.steps[0]?.parameters.value, '{{secret:db_password}}');
  const command = '  - { id: run, capability: command.run, parameters: { argv: [mysql, "-p{{secret:db_password}}"] } }';
  for (const bad of [command, set('{{secret:DB}}'), set('{{ secret:db }}')])
    assert.ok((await load(yaml(bad))).problems.length > 0, bad);
  assert.ok((await load(yaml(set('x'), 'Set {{secret:db_password}}'))).problems.length > 0);
});
