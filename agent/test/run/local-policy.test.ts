import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { PlanDraft } from '@countersign/protocol';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { SettingsProblem } from '../../src/host/yaml.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { policyOrDefault, readLocalPolicy, summaryOf } from '../../src/run/local-policy.ts';
import { draftOf } from './bed.ts';

const lock = lockOf([approver('Ada'), approver('Bob')]);

function policyOf(t: TestContext, text: string, mode = 0o644) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return { file, read: () => readLocalPolicy(file) };
}

const step = (capability: string, parameters: object) =>
  draftOf([{ id: 'one', capability: capability as never, parameters: parameters as never }], { risk: 'high' });

test('when there is no policy file, only reading is allowed', () => {
  const policy = readLocalPolicy('/nonexistent/policy.yaml');
  assert.equal(policy.mode, 'observe');
  assert.equal(judgePlan(policy, step('unit.start', { unit: 'a' }))?.code, 'server_observe_only');
});

test('when others than its owner can write the policy file, or it is a link, it is not trusted', (t) => {
  assert.throws(policyOf(t, 'mode: act\n', 0o666).read, /written by others/);
  assert.throws(policyOf(t, 'mode: act\n', 0o664).read, /chmod go-w/);
  const { file } = policyOf(t, 'mode: act\n');
  symlinkSync(file, `${file}.link`);
  assert.throws(() => readLocalPolicy(`${file}.link`), SettingsProblem);
});

test('when the policy file has mistakes, each is named and nothing is guessed', (t) => {
  assert.throws(policyOf(t, 'mode: everything\nmaxrisk: low\n').read, /mode: .*maxrisk/);
  assert.throws(policyOf(t, 'mode: act\n\tmax_risk: low\n').read, /is no YAML: .*line 2/);
  assert.throws(policyOf(t, 'mode: act\nmode: observe\n').read, /unique/);
  assert.throws(policyOf(t, 'a: &x [1]\nb: *x\n').read, /alias/);
});

test('when nothing else is said, the units that carry the server and us are protected, however units are allowed', (t) => {
  const policy = policyOf(t, 'mode: act\nmax_risk: critical\nunits: {allow: ["*"]}\n').read();
  for (const unit of [
    'countersign-link',
    'countersign-runner.socket',
    'ssh',
    'sshd.service',
    'ssh.socket',
    'systemd-journald',
    'dbus.socket',
    'dbus-broker',
    '-.mount',
  ])
    assert.ok(judgePlan(policy, step('unit.stop', { unit }))?.code.match(/policy_denies|invalid_input/), unit);
  assert.equal(judgePlan(policy, step('unit.stop', { unit: 'nginx' })), null);
});

test('when units are allowed by name, others are refused', (t) => {
  const policy = policyOf(t, 'mode: act\nunits: {allow: ["nginx.*", "app-*"], deny: ["app-db*"]}\n').read();
  const verdict = (unit: string) => judgePlan(policy, step('unit.restart', { unit }))?.code ?? 'allowed';
  assert.deepEqual(['nginx', 'app-web', 'app-db', 'other', 'xnginx'].map(verdict), [
    'allowed',
    'allowed',
    'server_policy_denies',
    'server_policy_denies',
    'server_policy_denies',
  ]);
});

test('T15: when a plan names an app, it is one that the owner declared, and its unit or container may be touched', (t) => {
  const apps = [
    'shop: { root: /srv/shop, unit: shop.service }',
    'db: { root: /srv/db, unit: postgresql.service }',
    'sys: { root: /srv/sys, unit: systemd-journald.service }',
    'web: { root: /srv/web, container: web }',
    'cache: { root: /srv/cache, container: cache }',
  ];
  const text = `mode: act\nunits: {deny: ["postgresql*"]}\ncontainers: {deny: [cache]}\napps:\n  ${apps.join('\n  ')}\n`;
  const policy = policyOf(t, text).read();
  const verdict = (app: string) => judgePlan(policy, step('deploy.switch', { app, to: 'one' }))?.code ?? 'allowed';
  assert.deepEqual(['shop', 'web', 'db', 'sys', 'cache', 'other', 'constructor'].map(verdict), [
    'allowed',
    'allowed',
    ...Array(5).fill('server_policy_denies'),
  ]);
  for (const to of ['../etc', '/etc', '-rf', '.', '', 'a/b'])
    assert.equal(judgePlan(policy, step('deploy.switch', { app: 'shop', to }))?.code, 'invalid_input', to);
  for (const ref of ['--upload-pack=x', 'a..b', 'a b', '-x', 'a.lock', 'a/', ''])
    assert.equal(judgePlan(policy, step('deploy.pull', { app: 'shop', ref }))?.code, 'invalid_input', ref);
  for (const app of [
    '{ root: /srv/../etc }',
    '{ root: srv }',
    '{ root: /srv, releases: ../x }',
    '{ root: /srv, health: "http://example.org/" }',
  ])
    assert.throws(policyOf(t, `apps: { shop: ${app} }\n`).read, SettingsProblem, app);
});

test('T14: when the owner opens privileged reads, they are read and never written, and his own denials stay', (t) => {
  const policy = policyOf(t, 'mode: act\nwrite_roots: [/etc]\nprivileged_reads: [sudoers]\n').read();
  assert.deepEqual(policy.privilegedRoots, ['/etc/sudoers', '/etc/sudoers.d']);
  assert.ok(!policy.readDenied?.includes('/etc/sudoers') && policy.readDenied?.includes('/etc/shadow'));
  assert.ok(summaryOf(policy).readRoots.includes('/etc/sudoers'));
  const write = step('file.write', { path: '/etc/sudoers', content: '', expected_sha256: null });
  assert.equal(judgePlan(policy, write)?.code, 'path_denied');
  const denied = policyOf(t, 'privileged_reads: [sudoers]\ndenied_paths: [/etc/sudoers]\n').read();
  assert.ok(denied.readDenied?.includes('/etc/sudoers'));
  assert.throws(policyOf(t, 'privileged_reads: [shadow]\n').read, SettingsProblem);
});

test('T15: when a path to write is protected or below no root, it is refused', (t) => {
  const policy = policyOf(t, 'mode: act\nwrite_roots: [/etc, /srv/app/]\ndenied_paths: [/etc/app/secret]\n').read();
  const verdict = (path: string) =>
    judgePlan(policy, step('file.write', { path, content: '', expected_sha256: null }))?.code ?? 'allowed';
  assert.deepEqual(
    [
      '/etc/hosts',
      '/srv/app/x',
      '/srv/app',
      '/srv/apple',
      '/etc/countersign/policy.yaml',
      '/etc/shadow',
      '/etc/app/secret/x',
      '/usr/bin/x',
      '/etc/../usr/x',
      'etc/x',
    ].map(verdict),
    [
      'allowed',
      'allowed',
      'allowed',
      'path_denied',
      'path_denied',
      'path_denied',
      'path_denied',
      'path_denied',
      'invalid_input',
      'invalid_input',
    ],
  );
});

test('when a folder to clean is no temporary one, it is refused', (t) => {
  const policy = policyOf(t, 'mode: act\ntmp_roots: [/srv/tmp]\n').read();
  const verdict = (root: string) => judgePlan(policy, step('tmp.clean', { root }))?.code ?? 'allowed';
  assert.deepEqual(['/tmp', '/var/tmp', '/srv/tmp', '/tmp/x', '/etc'].map(verdict), [
    'allowed',
    'allowed',
    'allowed',
    'path_denied',
    'path_denied',
  ]);
});

test('when commands are off, listed or on, exactly those run', (t) => {
  const verdict = (commands: string, argv: string[], more = {}) =>
    judgePlan(policyOf(t, `mode: act\nmax_risk: high\n${commands}`).read(), step('command.run', { argv, ...more }))
      ?.code ?? 'allowed';
  const listed = 'commands: [{name: uptime, argv: [uptime, -p]}, {name: wipe, argv: [wipe], risk: critical}]\n';
  assert.equal(verdict('', ['uptime', '-p']), 'commands_disabled');
  assert.equal(verdict('commands: true\n', ['anything', 'goes']), 'allowed');
  assert.equal(verdict(listed, ['uptime', '-p']), 'allowed');
  assert.equal(verdict(listed, ['uptime', '-p', 'x']), 'server_policy_denies');
  assert.equal(verdict(listed, ['uptime']), 'server_policy_denies');
  assert.equal(verdict(listed, ['uptime', '-p'], { cwd: '/srv' }), 'server_policy_denies');
  assert.equal(verdict(listed, ['wipe']), 'server_policy_denies');
});

test('when a plan understates its risk, the risk of its steps counts', (t) => {
  const policy = policyOf(t, 'mode: act\nmax_risk: medium\n').read();
  const draft: PlanDraft = { ...step('unit.stop', { unit: 'nginx' }), risk: 'low' };
  assert.equal(judgePlan(policy, draft)?.code, 'server_policy_denies');
});

test('when a playbook is denied by name, it is refused', (t) => {
  const policy = policyOf(t, 'mode: act\nplaybooks: {allow: ["service.*"], deny: ["service.stop"]}\n').read();
  const verdict = (id: string) => {
    const source = { kind: 'playbook', id, version: 1, sha256: 'a'.repeat(64) } as const;
    return judgePlan(policy, { ...step('unit.restart', { unit: 'nginx' }), risk: 'low', source })?.code ?? 'allowed';
  };
  assert.deepEqual(['service.restart', 'service.stop', 'disk.clean_tmp'].map(verdict), [
    'allowed',
    'server_policy_denies',
    'server_policy_denies',
  ]);
});

test('when undo steps go where steps may not, the plan is refused', (t) => {
  const policy = policyOf(t, 'mode: act\nmax_risk: critical\n').read();
  const undo = [{ id: 'back', capability: 'unit.stop', parameters: { unit: 'ssh.service' }, timeout_ms: 1 }] as const;
  assert.equal(
    judgePlan(policy, { ...step('unit.start', { unit: 'nginx' }), undo: [...undo] })?.code,
    'server_policy_denies',
  );
});

test('when the server is locked, the control plane is told the lock, and its own rules judge plans as before', (t) => {
  const policy = policyOf(t, `mode: act\nlock: ${JSON.stringify(lock)}\n`).read();
  assert.deepEqual(summaryOf(policy).lock, lock);
  assert.equal(judgePlan(policy, step('unit.start', { unit: 'nginx' })), null);
});

test('T1: when the pinned lock could not be opened by anybody, the policy is not read', (t) => {
  const refused = (bent: object, why: RegExp) =>
    assert.throws(policyOf(t, `mode: act\nlock: ${JSON.stringify({ ...lock, ...bent })}\n`).read, why);
  refused({ signatures: { ...lock.signatures, critical: 3 } }, /lock: it asks for 3 holders and names 2/);
  refused({ keys: [...lock.keys, lock.keys[0]] }, /a key is there twice/);
  refused({ keys: [...lock.keys, { key: `passkey:${'A'.repeat(60)}`, holder: 'Ada' }] }, /needs a relying party/);
  refused({ keys: [] }, /lock\.keys/);
  refused({ chain: undefined }, /lock\.chain/);
  refused({ surprise: 1 }, /surprise/);
  assert.throws(policyOf(t, 'lock: {approvers: [], at_least: 1}\n').read, /lock/);
});

test('T14: when a policy cannot be read, or a file of secrets that it names, nothing is changed and no file is read', (t) => {
  const file = policyOf(t, '').file;
  symlinkSync(file, `${file}.link`);
  for (const text of [
    'mode: act\nread_root: []\n',
    `mode: act\nsecrets_from: [${file}.link]\n`,
    `secrets: {a: {file: ${file}.link}}\n`,
  ]) {
    const { policy, problem } = policyOrDefault(policyOf(t, text).read);
    assert.match(problem ?? '', /read_root|take it out of the policy/);
    assert.deepEqual([policy.mode, policy.readRoots, policy.writeRoots], ['observe', [], []]);
  }
});

test('when a unit is asked for by an alias, what its owner denies by name stays denied', (t) => {
  const policy = policyOf(t, 'mode: act\nmax_risk: critical\nunits: {allow: ["mysql*"], deny: ["mariadb*"]}\n').read();
  const draft = step('unit.stop', { unit: 'mysql' });
  const found = (name: string) => ({
    ...draft,
    preview: {
      steps: [],
      predictable: true,
      witness: [{ subject: `unit ${name}`, property: 'state', value: 'active' }],
    },
  });
  assert.equal(judgePlan(policy, draft), null);
  assert.equal(judgePlan(policy, found('mysql.service')), null);
  for (const name of ['mariadb.service', 'systemd-logind.service'])
    assert.equal(judgePlan(policy, found(name))?.code, 'server_policy_denies', name);
});

test('when a target would end the machine or all that runs on it, the plan is refused', (t) => {
  const policy = policyOf(t, 'mode: act\nmax_risk: critical\n').read();
  for (const unit of ['reboot.target', 'poweroff.target', 'rescue.target', 'runlevel0.target', 'multi-user.target'])
    assert.equal(judgePlan(policy, step('unit.start', { unit }))?.code, 'server_policy_denies', unit);
  assert.equal(judgePlan(policy, step('unit.start', { unit: 'shop.target' })), null);
});
