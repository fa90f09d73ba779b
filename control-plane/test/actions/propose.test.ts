import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { write } from '../../src/storage/write.ts';
import { ana, anaAtDashboard, assistant, db1, type Heart, hasCode, heart, web1 } from './heart.ts';
import { previewOf } from './small-fleet.ts';

const nothingMade = async (h: Heart) => assert.deepEqual(await h.db.selectFrom('action').select('id').execute(), []);

test('when a change is asked for, it waits for a human, and its digest covers plan, preview and server', async (t) => {
  const h = await heart(t);
  const { actionId, repeated } = await h.ask({ reason: 'nginx answers 502' });
  const detail = await actionDetail(h.deps, actionId);
  assert.equal(repeated, false);
  assert.equal(detail.state, 'awaiting_approval');
  assert.equal(detail.title, 'Restart nginx.service on web-1');
  assert.equal(detail.digest, digestOf(detail.plan));
  assert.deepEqual(detail.plan.preview, previewOf(h.fleet.drafts[0] ?? assert.fail()));
  assert.deepEqual(detail.requested_by, {
    person: ana,
    token: { id: 'tok_0000000000aa', name: 'laptop' },
    client: 'claude-code',
  });
  assert.equal(detail.untrusted_reason, 'nginx answers 502');
  assert.deepEqual(detail.changed_parameters, [], 'a required parameter has no default that it could differ from');
  assert.deepEqual([detail.policy.rule, detail.policy.strength], ['medium-risk', 'tap']);
  assert.deepEqual(await h.events(actionId), ['action.requested']);
  assert.equal((await h.lastDetails('action.requested'))?.who.by, 'token');
});

test('when policy allows it, it is sent at once; when policy denies it, it is kept on record and the server is not asked', async (t) => {
  const h = await heart(t, {
    policy:
      '  - {name: reload, when: {risk: [low]}, allow: true}\n  - {name: frozen, when: {risk: [high]}, deny: {reason: Frozen until Monday.}}',
  });
  const allowed = await h.ask({ risk: 'low' });
  assert.equal(await h.stateOf(allowed.actionId), 'dispatched');
  assert.equal(h.fleet.grants.length, 1);
  const denied = await h.ask({ risk: 'high', unit: 'ssh' });
  const detail = await actionDetail(h.deps, denied.actionId);
  assert.deepEqual([detail.state, detail.error?.code], ['denied', 'policy_denies']);
  assert.match(detail.error?.message ?? '', /Frozen until Monday/);
  assert.equal(h.fleet.drafts.length, 1);
});

test('F9: when the same request comes again while it is open, it gets the same action; later, or from somebody else, a new one', async (t) => {
  const h = await heart(t);
  const first = await h.ask({ reason: 'one' });
  const again = await h.ask({ reason: 'said otherwise' });
  assert.deepEqual(again, { ...first, repeated: true });
  h.fleet.online.clear();
  assert.equal((await h.ask()).repeated, true, 'the retry of an answer that was lost does not need the server');
  h.fleet.online.add(web1);
  assert.equal((await h.ask({ caller: anaAtDashboard })).repeated, false);
  assert.equal((await h.ask({ unit: 'ssh' })).repeated, false);
  await h.clock.pass(10 * 60_000);
  assert.equal((await h.ask()).repeated, false);
});

test('when the same request comes twice at once, there is one action', async (t) => {
  const h = await heart(t);
  const gate = Promise.withResolvers<void>();
  h.fleet.answer = async (draft) => {
    await gate.promise;
    return previewOf(draft);
  };
  const both = Promise.all([h.ask(), h.ask()]);
  while (h.fleet.drafts.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  const [one, two] = await both;
  assert.equal(one?.actionId, two?.actionId);
  assert.deepEqual([one?.repeated, two?.repeated].sort(), [false, true]);
});

test('when a request that is over comes again, it is a new one', async (t) => {
  const h = await heart(t);
  const first = await h.ask();
  await withdraw(h.deps, assistant, first.actionId);
  assert.notEqual((await h.ask()).actionId, first.actionId);
});

const refused: [
  string,
  Parameters<Heart['ask']>[0],
  Parameters<typeof hasCode>[0],
  RegExp,
  ((h: Heart) => Promise<unknown>)?,
][] = [
  ['the server is not known', { server: 'web-9' }, 'server_not_found', /web-9/],
  [
    'the playbook is not known',
    { wanted: { kind: 'playbook', playbook: 'no.such', parameters: {} } },
    'playbook_not_found',
    /no\.such/,
  ],
  [
    'a parameter is missing',
    { wanted: { kind: 'playbook', playbook: 'test.low', parameters: {} } },
    'invalid_input',
    /unit/,
  ],
  [
    'a parameter is unknown',
    { wanted: { kind: 'playbook', playbook: 'test.low', parameters: { unit: 'nginx', foo: 1 } } },
    'invalid_input',
    /foo/,
  ],
  [
    'a parameter holds a key',
    {
      wanted: {
        kind: 'playbook',
        playbook: 'config.set_key',
        parameters: { path: '/etc/app.ini', format: 'ini', key: 'color', value: 'AKIAIOSFODNN7EXAMPLE' },
      },
    },
    'secret_parameter',
    /value/,
  ],
  [
    'a command holds a password',
    { wanted: { kind: 'command', argv: ['mysql', '--password=hunter2secret'], timeout_s: 60 } },
    'secret_parameter',
    /argv/,
  ],
  [
    'a file would be written back with its secrets blacked out',
    {
      wanted: {
        kind: 'file',
        path: '/etc/app.env',
        content: 'DB_PASSWORD=[redacted]\n',
        expected_sha256: null,
        validator: 'none',
      },
    },
    'invalid_input',
    /\[redacted\]/,
  ],
  [
    'a file is larger than a frame',
    {
      wanted: {
        kind: 'file',
        path: '/etc/big',
        content: 'x'.repeat(1_000_000),
        expected_sha256: null,
        validator: 'none',
      },
    },
    'too_large',
    /over the limit/,
  ],
  ['the server is offline', {}, 'server_offline', /web-1 is offline since 20/, async (h) => h.fleet.online.clear()],
  ['the server was removed', { server: web1 }, 'server_revoked', /web-1/, (h) => set(h, { state: 'revoked' })],
  ['the clock of the server is wrong', {}, 'clock_skew', /90 s off/, (h) => set(h, { clock_offset_ms: -90_000 })],
  ['the server allows reading only', {}, 'server_observe_only', /web-1/, (h) => policyThere(h, { mode: 'observe' })],
  [
    'the server allows less risk',
    { risk: 'high' },
    'playbook_does_not_fit',
    /at most low/,
    (h) => policyThere(h, { maxRisk: 'low' }),
  ],
  [
    'commands are off on the server',
    { wanted: { kind: 'command', argv: ['true'], timeout_s: 60 } },
    'commands_disabled',
    /web-1/,
    (h) => policyThere(h, { commands: false }),
  ],
  [
    'the server has an agent too old for it',
    { wanted: { kind: 'command', argv: ['true'], timeout_s: 60 } },
    'capability_missing',
    /command\.run/,
    (h) => set(h, { capabilities_json: '["unit.state"]' }),
  ],
  [
    'the server refuses in its preview',
    {},
    'server_policy_denies',
    /not this unit/,
    async (h) => {
      h.fleet.answer = () =>
        Promise.reject(fault('server_policy_denies', { server: 'web-1', reason: 'not this unit' }));
    },
  ],
];
const set = (h: Heart, row: Record<string, string | number>) =>
  write(h.db, (trx) => trx.updateTable('server').set(row).where('id', '=', web1).execute());
const policyThere = (h: Heart, change: object) =>
  set(h, {
    policy_json: JSON.stringify({
      mode: 'act',
      maxRisk: 'critical',
      commands: true,
      readRoots: [],
      writeRoots: [],
      lock: null,
      ...change,
    }),
  });

for (const [what, asked, code, words, prepare] of refused)
  test(`when ${what}, the request is refused as ${code} and nothing is made`, async (t) => {
    const h = await heart(t);
    await prepare?.(h);
    await assert.rejects(h.ask(asked), hasCode(code, words));
    await nothingMade(h);
    const unremarkable = ['invalid_input', 'server_not_found', 'playbook_not_found', 'server_offline', 'clock_skew'];
    assert.equal(
      (await h.events()).includes('request.refused'),
      !unremarkable.includes(code) && code !== 'server_revoked',
    );
  });

test('when ten requests of a token wait, the eleventh is refused until one is decided; another credential is not held up', async (t) => {
  const h = await heart(t);
  const made = [];
  for (let n = 0; n < 10; n += 1) made.push(await h.ask({ unit: `app-${n}` }));
  await assert.rejects(h.ask({ unit: 'app-10' }), hasCode('too_many_pending', /^10 requests/));
  await h.ask({ unit: 'app-10', caller: anaAtDashboard });
  await h.answer(made[0]?.actionId ?? '', { verdict: 'reject' });
  await h.ask({ unit: 'app-11' });
});

test('when another action works on the same thing on the same server, the request is refused; elsewhere it is not', async (t) => {
  const h = await heart(t);
  const first = await h.ask();
  await h.ask({ caller: anaAtDashboard });
  await h.answer(first.actionId);
  await assert.rejects(
    h.ask({ caller: { ...anaAtDashboard, session: { id: 'ses_b', strength: 'session' } } }),
    hasCode('target_busy', new RegExp(first.actionId)),
  );
  await h.ask({ unit: 'ssh', caller: anaAtDashboard });
  await h.ask({ server: db1 });
});

test('when nobody can be asked, the request fails and what was made of it is withdrawn', async (t) => {
  const h = await heart(t);
  h.telegram.reaches = false;
  h.web.reaches = false;
  await assert.rejects(h.ask(), hasCode('cannot_announce'));
  assert.deepEqual(
    (await h.db.selectFrom('action').select('state').execute()).map(({ state }) => state),
    ['withdrawn'],
  );
  h.web.reaches = true;
  assert.equal((await h.ask()).repeated, false);
});

test('when only a channel works that policy does not accept, nobody can be asked', async (t) => {
  const h = await heart(t, { policy: '  - {name: telegram-only, ask: {channels: [telegram]}}' });
  h.telegram.reaches = false;
  await assert.rejects(h.ask(), hasCode('cannot_announce'));
});

test('when a channel breaks while it is asked whom it reaches, another one is enough', async (t) => {
  const h = await heart(t);
  h.telegram.canReach = () => Promise.reject(new Error('network'));
  const { actionId } = await h.ask();
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
});

test('when a command is asked for, it is a plan of its own at high risk that cannot be taken back', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask({ wanted: { kind: 'command', argv: ['ls', '-l', 'my file'], timeout_s: 5 } });
  const { title, risk, reversible, plan, source, changed_parameters } = await actionDetail(h.deps, actionId);
  assert.deepEqual(
    [title, risk, reversible, source],
    ['Run ls -l "my file" on web-1', 'high', false, { kind: 'command' }],
  );
  assert.deepEqual(
    [plan.steps[0]?.parameters, plan.steps[0]?.timeout_ms],
    [{ argv: ['ls', '-l', 'my file'], timeout_s: 5 }, 5000],
  );
  assert.deepEqual(changed_parameters, ['timeout_s']);
});

test('when a file is to be replaced, the plan checks afterwards that it holds exactly that', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask({
    wanted: { kind: 'file', path: '/etc/motd', content: 'hello\n', expected_sha256: null, validator: 'none' },
  });
  const { title, plan, reversible } = await actionDetail(h.deps, actionId);
  assert.deepEqual([title, reversible], ['Create /etc/motd on web-1', true]);
  assert.equal(
    'content' in plan.parameters,
    false,
    'the parameters are shown to people; the content is in the step and in its diff',
  );
  assert.deepEqual(plan.check.probes[0]?.expect, { sha256: { is: plan.parameters.content_sha256 } });
});

test('when the caller gives up while the server makes the preview, nothing is made', async (t) => {
  const h = await heart(t);
  const abort = new AbortController();
  abort.abort(new Error('gone'));
  await assert.rejects(h.ask({ signal: abort.signal }), /gone/);
  await nothingMade(h);
});

test('when words of a caller hold a secret or deceptive characters, they are kept without', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask({ reason: 'token=sk-ant-REDACTED \u202egnp.exe' });
  const { untrusted_reason } = await actionDetail(h.deps, actionId);
  assert.doesNotMatch(untrusted_reason ?? '', /sk-ant|\u202e/);
});
