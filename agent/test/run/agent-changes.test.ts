/** Changes of the agent itself: closed unless the server's own policy opens them, and then no others than the named ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanDraft } from '@countersign/protocol';
import { capabilityIds, changesAgent, planRisk } from '@countersign/protocol';
import { isOlder } from '../../src/capabilities/agent/offer.ts';
import { subjectsOf } from '../../src/run/accept.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { defaultPolicy, parsePolicy } from '../../src/run/local-policy.ts';
import { draftOf } from './bed.ts';

const policyOf = (text: string) => parsePolicy(`mode: act\nmax_risk: critical\n${text}`, 'policy.yaml');
const step = (capability: string, parameters: object): PlanDraft =>
  draftOf([{ id: 'one', capability: capability as never, parameters: parameters as never }], { risk: 'critical' });
const update = (parameters: object = {}) =>
  step('agent.update', { version: '0.2.0-1a2b3c4d', sha256: 'a'.repeat(64), ...parameters });

test('T23: when the policy does not open agent_changes, no plan changes the agent, and without a file it is not open', () => {
  assert.equal(defaultPolicy.agentChanges, false);
  const refused = judgePlan(policyOf('lockout: [ssh, firewall, network]\nwrite_roots: [/]\n'), update());
  assert.equal(refused?.code, 'server_policy_denies');
  assert.match(refused?.message ?? '', /agent_changes are off/);
  assert.equal(judgePlan(policyOf('agent_changes: true\n'), update()), null);
  for (const id of capabilityIds.filter(changesAgent)) {
    const parameters = id === 'agent.update' ? update().steps[0]?.parameters : {};
    assert.match(judgePlan(policyOf(''), step(id, parameters ?? {}))?.message ?? '', /agent_changes are off/, id);
  }
});

test('T23: when agent_changes are open, highest risk and allowed playbooks still count, and other plans stay refused', () => {
  const high = parsePolicy('mode: act\nmax_risk: high\nagent_changes: true\n', 'policy.yaml');
  assert.equal(judgePlan(high, { ...update(), risk: 'low' })?.code, 'server_policy_denies');
  assert.equal(planRisk({ ...update(), risk: 'low' }), 'critical');
  const open = policyOf('agent_changes: true\nlockout: [ssh, firewall, network]\nwrite_roots: [/]\n');
  for (const unit of ['countersign-link', 'countersign-runner.socket', 'countersign-back.timer'])
    assert.equal(judgePlan(open, step('unit.stop', { unit }))?.code, 'server_policy_denies', unit);
  for (const path of ['/opt/countersign/current/install.sh', '/etc/systemd/system/countersign-link.service'])
    assert.ok(judgePlan(open, step('file.restore', { path })), path);
});

test('T16: when a version or a checksum is anything else than that, it is refused before a word of it is used', () => {
  const open = policyOf('agent_changes: true\n');
  for (const version of ['', '../0.1.0', '-x', '0.1.0 --sha256', '0.1/0', 'a\n'])
    assert.equal(judgePlan(open, update({ version }))?.code, 'invalid_input', version);
  for (const sha256 of ['', 'A'.repeat(64), 'a'.repeat(63), `${'a'.repeat(63)} `])
    assert.equal(judgePlan(open, update({ sha256 }))?.code, 'invalid_input', sha256);
});

test('when the agent is changed, nothing else is under way on the server', () => {
  assert.ok(subjectsOf(update()).includes('the whole server'));
  assert.deepEqual(
    capabilityIds.filter((id) => changesAgent(id)),
    ['agent.update', 'agent.repair', 'agent.uninstall'],
  );
});

test('T23: when versions are compared, their three numbers count, and what follows has no order', () => {
  for (const [version, than] of [
    ['0.1.9-ffff', '0.1.10-0000'],
    ['0.9.0', '1.0.0-a'],
    ['0.0.9', '0.1.0'],
  ] as const) {
    assert.equal(isOlder(version, than), true, `${version} ${than}`);
    assert.equal(isOlder(than, version), false, `${than} ${version}`);
  }
  assert.equal(isOlder('0.1.0-a', '0.1.0-b'), false);
});
