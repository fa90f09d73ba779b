import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanDraft, Preview } from '@countersign/protocol';
import { subjectsOf } from '../../src/run/accept.ts';
import { judgePlan } from '../../src/run/judge-plan.ts';
import { parsePolicy } from '../../src/run/local-policy.ts';
import { draftOf } from './bed.ts';

const policyOf = (text: string) => parsePolicy(`mode: act\nmax_risk: critical\n${text}`, 'policy.yaml');
const step = (capability: string, parameters: object): PlanDraft =>
  draftOf([{ id: 'one', capability: capability as never, parameters: parameters as never }], { risk: 'high' });
const restart = (container: string) => step('container.restart', { container });
const code = (policy: ReturnType<typeof policyOf>, plan: Parameters<typeof judgePlan>[1]) =>
  judgePlan(policy, plan)?.code ?? 'allowed';

const found = (...subjects: string[]): Preview => ({
  steps: [],
  witness: subjects.map((subject) => ({ subject, property: 'id', value: 'x' })),
  predictable: true,
});

test('when containers are allowed by name, others are refused, and so are projects', () => {
  const policy = policyOf('containers: {allow: ["shop*"], deny: ["shop_db*"]}\n');
  assert.deepEqual(
    ['shop_web_1', 'shop_db_1', 'other', 'xshop'].map((name) => code(policy, restart(name))),
    ['allowed', 'server_policy_denies', 'server_policy_denies', 'server_policy_denies'],
  );
  const up = (project: string) => code(policy, step('compose.up', { project, service: 'web' }));
  assert.deepEqual(['shop', 'blog'].map(up), ['allowed', 'server_policy_denies']);
});

test('when nothing else is said, what carries Countersign and the cluster is protected, however it is allowed', () => {
  const policy = policyOf('containers: {allow: ["*"]}\nnamespaces: {allow: ["*"]}\n');
  const scale = (namespace: string) => code(policy, step('k8s.scale', { namespace, deployment: 'web', delta: 1 }));
  assert.equal(code(policy, restart('countersign-control-plane-1')), 'server_policy_denies');
  assert.equal(code(policy, step('compose.up', { project: 'countersign', service: 'web' })), 'server_policy_denies');
  assert.deepEqual(['shop', 'kube-system', 'kube-public', 'countersign-prod'].map(scale), [
    'allowed',
    'server_policy_denies',
    'server_policy_denies',
    'server_policy_denies',
  ]);
});

test('T15: when a denied project stands behind an allowed container, or a denied container behind a project, it is refused', () => {
  const policy = policyOf('containers: {deny: ["db", "shop_db_1"]}\n');
  const behind = (...subjects: string[]) => code(policy, { ...restart('worker'), preview: found(...subjects) });
  assert.equal(behind('container worker', 'project shop'), 'allowed');
  assert.equal(behind('container worker', 'project db'), 'server_policy_denies');
  assert.equal(behind('project shop', 'container shop_db_1'), 'server_policy_denies');
  assert.equal(behind('container countersign-agent'), 'server_policy_denies');
});

test('T16: when a name could be taken for an option or for several names, no plan with it is accepted', () => {
  const policy = policyOf('');
  for (const name of ['--all', '-v', 'a b', 'a;b', 'a\nb', '../a', 'a/b', '', 'ä'])
    assert.equal(code(policy, restart(name)), 'invalid_input', name);
  for (const namespace of ['--all-namespaces', 'Shop', 'a.b', 'shop,kube-system', '-n'])
    assert.equal(code(policy, step('k8s.delete_failed_pods', { namespace })), 'invalid_input', namespace);
  for (const deployment of ['--all', 'web/x', 'web db', 'WEB', 'web.', '*'])
    assert.equal(
      code(policy, step('k8s.rollout_restart', { namespace: 'shop', deployment })),
      'invalid_input',
      deployment,
    );
  for (const delta of [0, 3, -3, 1.5])
    assert.equal(code(policy, step('k8s.scale', { namespace: 'shop', deployment: 'web', delta })), 'invalid_input');
});

test('when a change touches a unit that no parameter names, the owner who denies that unit is obeyed', () => {
  const reboot = step('host.reboot', { reason: 'an update' });
  const resync = step('time.resync', {});
  const flush = step('resolver.fix', { action: 'flush' });
  const open = policyOf('');
  assert.deepEqual(
    [reboot, resync, flush].map((plan) => code(open, plan)),
    ['allowed', 'allowed', 'allowed'],
  );
  const some = policyOf('units: {deny: [reboot.target, "systemd-*"]}\n');
  for (const plan of [reboot, resync, flush]) assert.equal(code(some, plan), 'server_policy_denies');
});

test('when a plan works on a container, a Compose project or a namespace, no other may work on it meanwhile', () => {
  const subjects = (capability: string, parameters: object) => subjectsOf(step(capability, parameters));
  assert.deepEqual(subjects('container.restart', { container: 'web' }), ['container web']);
  assert.deepEqual(subjects('compose.up', { project: 'shop', service: 'web' }), ['project shop']);
  assert.deepEqual(subjects('k8s.scale', { namespace: 'shop', deployment: 'web', delta: 1 }), ['namespace shop']);
});
