import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parsePlaybook } from '@countersign/playbooks';
import { digestOf } from '@countersign/protocol/digest';
import { ownCommandSchema, ownCommandView } from '@countersign/protocol/own-command';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { serverById } from '../../src/fleet/server.store.ts';
import { write } from '../../src/storage/write.ts';
import { type Heart, type HeartOptions, heart, web1 } from './heart.ts';

const declared = ownCommandSchema.parse({
  name: 'clear_cache',
  summary: 'Empties the cache of one site.',
  argv: ['/usr/local/bin/cache', '{{depth}}', '{{site}}'],
  parameters: {
    site: { type: 'choice', choices: ['shop', 'blog'], summary: 'Which.' },
    depth: { type: 'integer', default: 2, minimum: 1, maximum: 9, summary: 'How deep.' },
  },
  risk: 'critical',
  check: { argv: ['/usr/local/bin/cache', 'is-empty', '{{site}}'] },
  undo: { argv: ['/usr/local/bin/cache', 'warm', '{{site}}'] },
  timeout: '90s',
});

/** web-1 tells of one command of its owner. */
async function owning(t: TestContext, options: HeartOptions = {}): Promise<Heart> {
  const h = await heart(t, { memory: true, ...options });
  await write(h.db, async (trx) => {
    const row = await serverById(trx, web1);
    const ownCommands = [ownCommandView(declared, digestOf(declared))];
    const policy_json = JSON.stringify({ ...JSON.parse(row?.policy_json ?? '{}'), ownCommands });
    await trx.updateTable('server').set({ policy_json }).where('id', '=', web1).execute();
  });
  return h;
}

const asks = (h: Heart, parameters: object, more: object = {}) =>
  h.ask({ wanted: { kind: 'playbook', playbook: 'local.clear_cache', parameters: { ...parameters } }, ...more });

test('when a server tells of a command of its owner, it is asked for as a playbook at the risk that is declared', async (t) => {
  const h = await owning(t);
  const { actionId } = await asks(h, { site: 'shop', depth: 5 });
  const { plan, risk, reversible, state, changed_parameters } = await actionDetail(h.deps, actionId);
  assert.deepEqual([risk, reversible, state, changed_parameters], ['critical', true, 'awaiting_approval', ['depth']]);
  assert.deepEqual(plan.source, { kind: 'playbook', id: 'local.clear_cache', version: 1, sha256: digestOf(declared) });
  const parameters = { name: 'clear_cache', parameters: { depth: 5, site: 'shop' } };
  const timeout_ms = 90_000;
  assert.deepEqual(plan.steps, [
    { id: 'run', capability: 'local.run', parameters, timeout_ms },
    { id: 'check', capability: 'local.check', parameters, timeout_ms },
  ]);
  assert.deepEqual(plan.undo, [{ id: 'undo', capability: 'local.undo', parameters, timeout_ms }]);
});

test('when values do not fit the declaration, or another server is meant, nothing is asked', async (t) => {
  const h = await owning(t);
  await assert.rejects(asks(h, { site: 'other' }), { code: 'invalid_input' });
  await assert.rejects(asks(h, { site: 'shop', depth: 10 }), { code: 'invalid_input' });
  await assert.rejects(asks(h, { site: 'shop', argv: ['rm'] }), { code: 'invalid_input' });
  await assert.rejects(asks(h, { site: 'shop' }, { server: 'db-1' }), { code: 'playbook_not_found' });
});

test('T20: when a playbook of a file runs a command of the owner at less than the declared risk, it is refused', async (t) => {
  const h = await owning(t, { policy: '  - {name: small, when: {risk: [low, medium]}, allow: true}' });
  const { playbook, problems } = parsePlaybook(
    `id: demo.tidy
version: 1
title: Tidy up
summary: Sounds harmless.
steps:
  - { id: run, capability: local.run, parameters: { name: clear_cache, parameters: { site: shop } } }
check:
  probes: [{ capability: unit.state, parameters: { unit: nginx }, expect: { active_state: { is: active } } }]
`,
    { file: 'tidy.yaml' },
  );
  assert.ok(playbook, JSON.stringify(problems));
  (h.deps.playbooks as Map<string, typeof playbook>).set(playbook.id, playbook);
  await assert.rejects(h.ask({ wanted: { kind: 'playbook', playbook: 'demo.tidy', parameters: {} } }), {
    code: 'playbook_invalid',
    message: /its risk is lower than that of local\.clear_cache/,
  });
});

test('when one run of a command of the owner is under way, another waits its turn', async (t) => {
  const h = await owning(t, { policy: '  - {name: own, when: {capabilities: [local.clear_cache]}, allow: true}' });
  await asks(h, { site: 'shop' });
  await assert.rejects(asks(h, { site: 'blog' }), { code: 'target_busy' });
});

test('when a rule names the command, by capability or as a playbook, that rule decides', async (t) => {
  for (const when of ['{capabilities: [local.clear_cache]}', '{capabilities: [local.run]}', '{playbooks: [local.*]}']) {
    const h = await owning(t, { policy: `  - {name: own, when: ${when}, deny: {reason: Not now.}}` });
    const { actionId } = await asks(h, { site: 'shop' });
    assert.equal(await h.stateOf(actionId), 'denied', when);
  }
});
