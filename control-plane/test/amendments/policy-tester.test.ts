import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePasskey } from '../../../test/world/software-passkey.ts';
import { product } from '../http/product.ts';
import { codes } from '../http/refused.ts';
import { rules } from './amendment-world.ts';

test('when the rules are tried on a request, they say what they would say of it, those in force or others', async (context) => {
  const { owner } = await product(context);
  await owner('addServer', { name: 'db-1', labels: { role: 'db' } });
  const request = {
    server: 'db-1',
    playbook: 'service.restart',
    capabilities: ['unit.restart'],
    risk: 'medium',
  } as const;
  const ask = { ...request, capabilities: [...request.capabilities] };
  assert.equal((await owner('testPolicy', ask)).verdict, 'ask');
  const yaml =
    'format: countersign-policy/1\nrules:\n' +
    '  - {name: frozen, when: {labels: {role: db}, tokens: [Claude]}, deny: {reason: The backup runs.}}\n' +
    '  - {name: ada, when: {people: [ada@example.org], capabilities: [unit.restart]}, allow: true}\n';
  const denied = await owner('testPolicy', { ...ask, yaml, token: 'Claude' });
  assert.deepEqual([denied.verdict, denied.rule], ['deny', 'frozen']);
  assert.match(denied.why, /The backup runs/);
  assert.equal((await owner('testPolicy', { ...ask, yaml })).verdict, 'allow');
  await assert.rejects(owner('testPolicy', { ...ask, yaml: 'rules: {' }), codes('invalid_input'));
  await assert.rejects(owner('testPolicy', { ...ask, server: 'db-9' }), codes('server_not_found'));
  assert.equal((await owner('testPolicy', ask)).verdict, 'ask', 'trying changes nothing');
});

test('T4: when a passkey was added, its owner is told of it on the overview; and of amendments that wait', async (context) => {
  const { owner, as, password, running } = await product(context);
  const proof = { kind: 'password', password } as const;
  const { link } = await owner('invitePerson', { email: 'bob@example.org', name: 'Bob', role: 'owner' });
  const secret = link.split('#')[1] ?? '';
  const bob = as((await as()('acceptInvitation', { secret, password, cli: true })).session ?? '');
  const two = rules('  - {name: two, ask: {others: 1}}\n');
  const { sha256: before } = await owner('getPolicy', {});
  await owner('setPolicy', { yaml: two, before, proof });
  const next = await owner('getPolicy', {});
  assert.deepEqual([next.yaml, next.problems], [two, []]);
  await owner('setPolicy', { yaml: rules(''), before: next.sha256, proof });
  assert.equal((await owner('getOverview', {})).amendments, 0);
  assert.equal((await bob('getOverview', {})).amendments, 1);

  const passkey = makePasskey({ rpId: 'localhost', origin: running.publicUrl });
  const { options } = await bob('startPasskey', { proof });
  await bob('addPasskey', { name: 'new phone', response: passkey.register(options) });
  const told = async (call: typeof bob) =>
    (await call('getOverview', {})).notices.some(({ text }) => /passkey “new phone” was added/.test(text));
  assert.deepEqual([await told(bob), await told(owner)], [true, false]);
});
