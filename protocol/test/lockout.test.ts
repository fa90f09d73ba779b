import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONFIRM_WITHIN_MS,
  confirmFor,
  lockoutOfPath,
  lockoutOfStep,
  lockoutOfUnit,
  lockoutsFound,
  lockoutsOf,
  type PlanStep,
} from '@countersign/protocol';

const step = (capability: PlanStep['capability'], parameters: PlanStep['parameters']): PlanStep => ({
  id: 'one',
  capability,
  parameters,
  timeout_ms: 1000,
});

const UNITS = {
  ssh: ['ssh.service', 'sshd.service', 'ssh.socket', 'sshd@0-10.0.0.1:22-10.0.0.2:5.service'],
  firewall: ['nftables.service', 'ufw.service', 'firewalld.service', 'netfilter-persistent.service'],
  network: [
    'networking.service',
    'systemd-networkd.service',
    'systemd-networkd.socket',
    'NetworkManager.service',
    'wg-quick@wg0.service',
  ],
  agent: ['countersign-link.service', 'countersign-runner.socket'],
};

const PATHS = {
  ssh: [
    ...['/etc/ssh', '/etc/ssh/sshd_config', '/etc/ssh/sshd_config.d/10-x.conf', '/root/.ssh/authorized_keys'],
    ...['/etc/nologin', '/etc/passwd', '/etc/systemd/system/ssh.service', '/etc/systemd/system/ssh.socket.d/a.conf'],
    '/etc/systemd/system/multi-user.target.wants/ssh.service',
  ],
  firewall: ['/etc/nftables.conf', '/etc/nftables.d/a.nft', '/etc/ufw/user.rules', '/etc/iptables/rules.v4'],
  network: [
    ...['/etc/network/interfaces', '/etc/netplan/01.yaml', '/etc/systemd/network/a.network'],
    '/usr/lib/systemd/system/systemd-networkd.service',
  ],
  agent: [
    ...['/etc/countersign/policy.yaml', '/opt/countersign/current', '/var/lib/countersign/runner/journal.ndjson'],
    ...['/etc/systemd/system/countersign-runner.service.d/x.conf', '/run/systemd/system/countersign-link.service'],
    '/etc/systemd/system/service.d/all.conf',
  ],
};

test('when a unit or a file carries logins, firewall, network or the agent, its area is named in words', () => {
  for (const [area, units] of Object.entries(UNITS))
    for (const unit of units) {
      const found = lockoutOfUnit(unit);
      assert.equal(found?.area, area, unit);
      assert.match(
        found?.because ?? '',
        new RegExp(`^it touches ${unit.replace(/[.@]/g, '\\$&')}, which (decides|is) `),
      );
    }
  for (const [area, paths] of Object.entries(PATHS))
    for (const path of paths) assert.equal(lockoutOfPath(path)?.area, area, path);
});

test('when a name or path only looks alike, nothing is locked up', () => {
  for (const unit of ['nginx.service', 'sshguard.service', 'my-ssh.service', 'network-checker.service'])
    assert.equal(lockoutOfUnit(unit), null, unit);
  for (const path of [
    '/etc/sshx',
    '/etc/passwd-notes',
    '/etc/systemd/system/nginx.service.d/ssh.conf',
    '/etc/nftables.conf.bak',
    '/srv/etc/ssh/config',
    '/etc/networks',
    '/srv/authorized_keys',
  ])
    assert.equal(lockoutOfPath(path), null, path);
});

test('when a step writes, restores, sets a key, restarts or applies rules there, the plan asks for a confirmation', () => {
  const path = '/etc/ssh/sshd_config';
  for (const capability of ['file.write', 'file.restore', 'config.set_key'] as const)
    assert.equal(lockoutOfStep(step(capability, { path }))?.area, 'ssh');
  for (const capability of ['unit.restart', 'unit.stop', 'unit.reload', 'unit.restore'] as const)
    assert.equal(lockoutOfStep(step(capability, { unit: 'ssh.service' }))?.area, 'ssh');
  assert.equal(lockoutOfStep(step('unit.stop', { unit: 'ssh' }))?.area, 'ssh', 'a name that the server completes');
  assert.equal(lockoutOfStep(step('file.restore', { path: '/etc/ssh/' }))?.area, 'ssh');
  assert.equal(lockoutOfStep(step('ssh.harden', { setting: 'no_root' }))?.area, 'ssh');
  const apply = step('firewall.apply', { ruleset: 'flush ruleset\n' });
  assert.deepEqual(confirmFor({ steps: [apply], undo: [] }), {
    within_ms: CONFIRM_WITHIN_MS,
    because: 'it replaces the rules of the firewall, which decide which connections come through',
  });
  assert.equal(confirmFor({ steps: [step('unit.restart', { unit: 'nginx.service' })], undo: [] }), null);
  const undo = [step('file.restore', { path })];
  assert.equal(confirmFor({ steps: [step('unit.reload', { unit: 'nginx.service' })], undo })?.within_ms, 300_000);
});

test('when several steps touch one area, it is named once, and others besides', () => {
  const steps = [
    step('config.set_key', { path: '/etc/ssh/sshd_config' }),
    step('unit.reload', { unit: 'ssh.service' }),
    step('unit.restart', { unit: 'systemd-networkd.service' }),
    step('command.run', { argv: ['nft', 'flush', 'ruleset'] }),
  ];
  assert.deepEqual(
    lockoutsOf({ steps, undo: [] }).map(({ area }) => area),
    ['ssh', 'network'],
  );
});

test('T15: when a link or an alias leads there, the facts that the server found tell it', () => {
  const witness = [
    { subject: 'file /etc/ssh/sshd_config', property: 'sha256', value: 'x' },
    { subject: 'unit ssh.service', property: 'state', value: 'active' },
    { subject: 'file /srv/www/index.html', property: 'sha256', value: 'x' },
    { subject: 'folder /tmp', property: 'identity', value: '1:2' },
  ];
  assert.deepEqual(
    lockoutsFound({ witness }).map(({ area }) => area),
    ['ssh'],
  );
});
