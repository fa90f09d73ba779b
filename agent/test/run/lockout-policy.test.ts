/** What could lock everybody out: only where the owner opened its area, and only by plans that are taken back by themselves. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { confirmFor, type PlanDraft, type PlanStep } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { fileChangers } from '../../src/capabilities/files/file.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { parsePolicy } from '../../src/run/local-policy.ts';
import { draftOf, grantOf, makeBed, planOf, Watched } from './bed.ts';

const policyOf = (text: string) => parsePolicy(`mode: act\nmax_risk: critical\n${text}`, 'policy.yaml');

const plan = (capability: PlanStep['capability'], parameters: PlanStep['parameters']): PlanDraft => {
  const steps = [{ id: 'one', capability, parameters, timeout_ms: 1000 }];
  return draftOf(steps as never, { confirm: confirmFor({ steps, undo: [] }) });
};

const CASES: Record<string, PlanDraft[]> = {
  ssh: [
    plan('unit.restart', { unit: 'ssh' }),
    plan('ssh.harden', { setting: 'no_passwords' }),
    plan('config.set_key', { path: '/etc/ssh/sshd_config.d/10-a.conf', format: 'ini', key: 'A', value: 'b' }),
  ],
  firewall: [plan('firewall.apply', { ruleset: 'flush ruleset\n' }), plan('unit.restart', { unit: 'nftables' })],
  network: [plan('unit.restart', { unit: 'systemd-networkd' }), plan('file.restore', { path: '/etc/netplan/01.yaml' })],
};

test('when nothing is opened, no plan may touch ssh, firewall or network, even with write_roots above them', () => {
  const policy = policyOf('write_roots: [/etc]\n');
  for (const [area, plans] of Object.entries(CASES))
    for (const draft of plans) {
      const refused = judgePlan(policy, draft);
      assert.equal(refused?.code, 'server_policy_denies', area);
      assert.match(refused?.message ?? '', new RegExp(`its lockout does not open ${area}`));
    }
});

test('when an area is opened, its units and files are allowed for plans that carry a confirmation, and those of others are not', () => {
  for (const area of ['ssh', 'firewall', 'network'] as const) {
    const policy = policyOf(`lockout: [${area}]\n`);
    for (const [other, plans] of Object.entries(CASES))
      for (const draft of plans) {
        const refused = judgePlan(policy, draft);
        if (other === area) assert.equal(refused, null, refused?.message ?? '');
        else assert.ok(refused, `${other} with ${area} opened`);
      }
  }
});

test('T8: when a plan that needs a confirmation comes without, the server computes that itself and refuses the grant', () => {
  const policy = policyOf('lockout: [ssh, firewall, network]\n');
  for (const draft of Object.values(CASES).flat())
    assert.equal(judgePlan(policy, { ...draft, confirm: null })?.code, 'grant_invalid');
});

test('when everything is opened, our own units and files, host keys and what carries the system stay protected', () => {
  const policy = policyOf('lockout: [ssh, firewall, network]\nwrite_roots: [/]\n');
  for (const unit of ['countersign-link', 'countersign-runner.socket', 'systemd-journald', 'dbus'])
    assert.equal(judgePlan(policy, plan('unit.stop', { unit }))?.code, 'server_policy_denies', unit);
  for (const path of [
    '/etc/countersign/policy.yaml',
    '/etc/ssh/ssh_host_ed25519_key',
    '/var/lib/countersign/x',
    '/etc/shadow',
  ])
    assert.equal(judgePlan(policy, plan('file.restore', { path }))?.code, 'path_denied', path);
});

test('when the owner denies a unit of an area that is open, it stays denied', () => {
  const policy = policyOf('lockout: [ssh]\nunits: {deny: ["ssh.socket"]}\n');
  assert.equal(judgePlan(policy, plan('unit.stop', { unit: 'ssh.socket' }))?.code, 'server_policy_denies');
});

test('T15: when a link leads to a file that can lock everybody out, the preview finds it and refuses', async () => {
  using bed = makeBed();
  const home = join(bed.folder, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  writeFileSync(join(home, '.ssh/authorized_keys'), 'ssh-ed25519 AAAA ada\n');
  symlinkSync(join(home, '.ssh/authorized_keys'), join(bed.folder, 'harmless'));
  const policy = () =>
    parsePolicy(`mode: act\nmax_risk: critical\nlockout: [ssh]\nwrite_roots: [${bed.folder}]\n`, 'p');
  await using watched = new Watched(bed, { policy, changers: { ...bed.ports.changers, ...fileChangers } });
  const parameters = {
    path: join(bed.folder, 'harmless'),
    content: 'x\n',
    expected_sha256: sha256('ssh-ed25519 AAAA ada\n'),
  };
  const draft = draftOf([{ id: 'one', capability: 'file.write', parameters, timeout_ms: 1000 } as never]);
  await assert.rejects(
    watched.runner.preview(draft, 5000, new AbortController().signal),
    /authorized_keys, which decides who can log in/,
  );
  const ports = { ...bed.ports, policy, changers: { ...bed.ports.changers, ...fileChangers } };
  const grant = grantOf(bed, await planOf({ ...bed, ports }, draft));
  watched.runner.accept(grant, 0);
  const ending = await watched.ending(grant.grant.actionId);
  assert.equal(ending.kind === 'refused' && ending.fault.code, 'grant_invalid');
});
