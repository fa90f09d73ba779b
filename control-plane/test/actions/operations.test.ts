import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { fault } from '@countersign/protocol';
import {
  type InputOf,
  type OperationName,
  type OutputOf,
  operationNamed,
} from '@countersign/protocol/operator-api/index';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordOutput } from '../../src/actions/record-output.ts';
import { type ActionOperationsDeps, actionOperations } from '../../src/operations/action-operations.ts';
import { auditOperations } from '../../src/operations/audit-operations.ts';
import { fileOperations } from '../../src/operations/file-operations.ts';
import type { CallContext } from '../../src/operations/handler.ts';
import { pauseOperations } from '../../src/operations/pause-operations.ts';
import { playbookOperations } from '../../src/operations/playbook-operations.ts';
import type { Caller } from '../../src/ports.ts';
import { write } from '../../src/storage/write.ts';
import { anaAtDashboard, assistant, ben, hasCode, heart, resultOf, web1 } from './heart.ts';

const benAtDashboard: Caller = {
  ...anaAtDashboard,
  person: { ...ben, role: 'approver' },
  session: { id: 'ses_ben', strength: 'session' },
};
const place = { publicUrl: 'https://cp.example.org' };

async function operations(t: TestContext, options: Parameters<typeof heart>[1] = {}) {
  const h = await heart(t, options);
  const codes: string[] = [];
  const diagnosed: unknown[] = [];
  const deps: ActionOperationsDeps = {
    ...h.deps,
    place,
    confirmCode: async (caller, code) => {
      codes.push(`${caller.person.name} ${code}`);
      if (code === '000000') throw fault('sign_in_failed');
    },
    diagnose: async (server, readings) => {
      diagnosed.push([server.name, readings]);
      return {
        server: { ...server },
        at: 'now',
        chosen_because: null,
        findings: [],
        diagnostics: [],
        redactions: 0,
        truncated: false,
      };
    },
  };
  const handlers = {
    ...actionOperations(deps),
    ...pauseOperations({ ...deps, prove: h.prove }),
    ...playbookOperations({ ...deps, playbookFolders: [], playbookProblems: () => [] }),
    ...fileOperations({ ...deps, fleet: h.fleet }),
    ...auditOperations({
      ...deps,
      publicKey: deps.key.publicKey,
      prove: h.prove,
      rollbackAccepted: () => undefined,
      fleet: { isOnline: () => false, askWitness: () => Promise.reject(new Error('this test asks no witness')) },
    }),
  };
  /** As the binding does it: input parsed, output held against its schema. */
  const call = async <N extends OperationName & keyof typeof handlers>(
    name: N,
    input: InputOf<N>,
    caller: Caller = assistant,
    more: Partial<CallContext> = {},
  ) => {
    const { input: schema, output } = operationNamed(name);
    const handler = handlers[name] as (caller: Caller, input: unknown, context: object) => Promise<unknown>;
    return output.parse(
      await handler(caller, schema.parse(input), {
        ...{ signal: new AbortController().signal, ip: null, userAgent: null },
        ...more,
      }),
    ) as OutputOf<N>;
  };
  return { ...h, codes, diagnosed, call };
}
const restart = { server: 'web-1', playbook: 'test.medium', parameters: { unit: 'nginx' } };

test('when a playbook is run, the answer is the action and where a human can decide', async (t) => {
  const { call } = await operations(t);
  const { action, approve_url, repeated, diagnosis } = await call('runPlaybook', { ...restart, reason: 'it is down' });
  assert.deepEqual([action?.state, repeated, diagnosis], ['awaiting_approval', false, null]);
  assert.equal(approve_url, `https://cp.example.org/actions/${action?.id}`);
  assert.equal((await call('runPlaybook', { ...restart, reason: 'once more' })).repeated, true);
});

test('when a request may wait for an end that comes soon, it hands its turn on and tells the end', async (t) => {
  const { call, deps, fleet } = await operations(t, { policy: '  - {name: free, allow: true}' });
  fleet.foretell = () => ({ steps: [], witness: [], predictable: false });
  const waits = Promise.withResolvers<void>();
  const asked = { server: 'web-1', argv: ['uptime'] };
  const answer = call('runCommand', asked, assistant, { soonS: 3, handOn: waits.resolve });
  await waits.promise;
  const { actionId } = fleet.grants[0]?.grant ?? assert.fail('no grant left');
  const chunk = { actionId, step: 'run', chunk: 0, text: 'up 3 days', dropped: 0 };
  await recordOutput(deps, web1, [chunk]);
  await recordFinished(deps, web1, { actionId, result: resultOf('succeeded') });
  const { action, approve_url, printed } = await answer;
  assert.deepEqual([action?.id, action?.state, approve_url], [actionId, 'succeeded', null]);
  assert.deepEqual(printed, { untrusted_output: 'up 3 days', output_truncated: false });
  assert.equal((await call('runCommand', asked)).printed, undefined, 'who does not ask for it is not kept waiting');
});

test('when a human has to be asked, a request waits for nothing and keeps its turn', async (t) => {
  const { call } = await operations(t);
  const { action, printed } = await call('runPlaybook', restart, assistant, { soonS: 3, handOn: () => assert.fail() });
  assert.deepEqual([action?.state, printed], ['awaiting_approval', undefined]);
});

test('when a playbook only reads, it runs at once, without an action, and is audited', async (t) => {
  const { call, diagnosed, db, events } = await operations(t);
  const { action, diagnosis, approve_url } = await call('runPlaybook', { server: 'web-1', playbook: 'triage' });
  assert.deepEqual([action, approve_url, diagnosis?.server.name], [null, null, 'web-1']);
  const [[name, readings]] = diagnosed as [[string, { diagnostic: string; parameters: object }[]]];
  assert.equal(name, 'web-1');
  assert.deepEqual(
    readings.map(({ diagnostic }) => diagnostic),
    ['overview', 'disk', 'memory_oom', 'failed_units'],
  );
  assert.deepEqual(readings[2]?.parameters, { since: '24h' });
  assert.deepEqual(await db.selectFrom('action').select('id').execute(), []);
  assert.deepEqual((await events()).slice(-1), ['playbook.observed']);
  await assert.rejects(
    call('runPlaybook', { server: 'web-1', playbook: 'triage', parameters: { unit: 'x' } }),
    hasCode('invalid_input', /unit/),
  );
});

test('when somebody looks what a playbook would do, the server is asked, it is audited, and what only reads is refused', async (t) => {
  const { call, db, lastDetails } = await operations(t);
  const asked = { server: 'web-1', playbook: 'service.restart', parameters: { unit: 'nginx' } };
  const { steps, verdict } = await call('previewPlaybook', asked, benAtDashboard);
  assert.deepEqual([steps.length > 0, verdict.verdict], [true, 'ask']);
  assert.deepEqual((await lastDetails('playbook.previewed'))?.details, {
    playbook: 'service.restart',
    sha256: (await call('getPlaybook', { playbook: 'service.restart' })).sha256,
    verdict: 'ask',
    parameters: { unit: 'nginx' },
  });
  assert.deepEqual(await db.selectFrom('action').select('id').execute(), []);
  await assert.rejects(
    call('previewPlaybook', { server: 'web-1', playbook: 'triage' }, benAtDashboard),
    hasCode('invalid_input', /only reads/),
  );
});

test('when a command or a file is asked for, it is an action too', async (t) => {
  const { call } = await operations(t);
  const command = await call('runCommand', { server: 'web-1', argv: ['uptime'] });
  const file = await call('writeFile', { server: web1, path: '/etc/motd', content: 'hi\n', expected_sha256: null });
  assert.deepEqual([command.action?.source.kind, file.action?.source.kind], ['command', 'file']);
});

test('when an action is waited for, the answer comes with its decision and the end of its output', async (t) => {
  const { call, deps, answer } = await operations(t);
  const { action } = await call('runPlaybook', restart);
  const id = action?.id ?? '';
  const waiting = call('getAction', { action: id, wait_s: 50 });
  await answer(id);
  assert.equal((await waiting).state, 'approved');
  const text = `${'x'.repeat(20_000)}end`;
  await recordOutput(deps, web1, [{ actionId: id, step: 'go', chunk: 0, text, dropped: 0 }]);
  const { untrusted_output, output_truncated } = await call('getAction', { action: id });
  assert.deepEqual([untrusted_output.length, untrusted_output.endsWith('end'), output_truncated], [12_000, true, true]);
  await assert.rejects(call('getAction', { action: 'act_000000000000' }), hasCode('action_not_found'));
});

test('when actions are listed, they come newest first, page by page, by server, state and openness', async (t) => {
  const { call, clock, answer } = await operations(t);
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    ids.unshift((await call('runPlaybook', { ...restart, parameters: { unit: `app-${n}` } })).action?.id ?? '');
    if (n !== 1) await clock.pass(1); // two of the same moment
  }
  const seen: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page: OutputOf<'listActions'> = await call('listActions', { limit: 2, ...(cursor ? { cursor } : {}) });
    seen.push(...page.actions.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.deepEqual([...seen].sort(), [...ids].sort());
  assert.equal(seen[0], ids[0]);
  await answer(ids[0] ?? '', { verdict: 'reject' });
  assert.equal((await call('listActions', { open: 'true' })).actions.length, 4);
  assert.equal((await call('listActions', { open: 'false' })).actions[0]?.id, ids[0]);
  assert.equal((await call('listActions', { state: 'rejected', open: 'true' })).actions.length, 0);
  assert.equal((await call('listActions', { server: 'db-1' })).actions.length, 0);
  await assert.rejects(call('listActions', { cursor: 'nonsense' }), hasCode('invalid_input', /cursor/));
});

test('when a person approves in the dashboard, it counts as their session; with a code as more', async (t) => {
  const { call, codes, lastDetails } = await operations(t);
  const first = (await call('runPlaybook', restart)).action;
  const approved = await call(
    'approveAction',
    { action: first?.id ?? '', digest: first?.digest ?? '' },
    benAtDashboard,
  );
  assert.deepEqual(
    [approved.state, approved.approvals[0]?.channel, approved.approvals[0]?.strength],
    ['approved', 'web', 'session'],
  );
  const second = (await call('runPlaybook', { ...restart, playbook: 'test.high', parameters: { unit: 'ssh' } })).action;
  const input = { action: second?.id ?? '', digest: second?.digest ?? '' };
  await assert.rejects(call('approveAction', input, benAtDashboard), hasCode('invalid_input', /typed_server/));
  await assert.rejects(call('approveAction', { ...input, code: '000000' }, benAtDashboard), hasCode('sign_in_failed'));
  await call('approveAction', { ...input, code: '123456' }, { ...benAtDashboard, via: 'cli' });
  assert.deepEqual(codes, ['Ben 000000', 'Ben 123456']);
  assert.deepEqual((await lastDetails('action.approved'))?.details.channel, 'cli');
});

test('when the plan on the page is not the plan of the action, neither approval nor reject counts', async (t) => {
  const { call, stateOf } = await operations(t);
  const { action } = await call('runPlaybook', restart);
  const input = { action: action?.id ?? '', digest: 'a'.repeat(64) };
  await assert.rejects(call('approveAction', input, benAtDashboard), hasCode('digest_mismatch'));
  await assert.rejects(call('rejectAction', input, benAtDashboard), hasCode('digest_mismatch'));
  assert.equal(await stateOf(input.action), 'awaiting_approval');
});

test('when an action is rejected, withdrawn, stopped or closed, the answer shows what became of it', async (t) => {
  const { call, db } = await operations(t);
  const made = async (unit: string) =>
    (await call('runPlaybook', { ...restart, parameters: { unit } })).action ?? assert.fail();
  const [a, b, c] = [await made('a'), await made('b'), await made('c')];
  assert.equal(
    (await call('rejectAction', { action: a.id, digest: a.digest, reason: 'no' }, benAtDashboard)).state,
    'rejected',
  );
  assert.equal((await call('cancelAction', { action: b.id })).state, 'withdrawn');
  await assert.rejects(call('stopAction', { action: a.id }, benAtDashboard), hasCode('nothing_to_stop', /rejected/));
  const early = await call('stopAction', { action: (await made('d')).id }, benAtDashboard);
  assert.deepEqual([early.state, early.status.includes('Stopped by Ben before it was sent.')], ['withdrawn', true]);
  await write(db, (trx) => trx.updateTable('action').set({ state: 'running' }).where('id', '=', c.id).execute());
  assert.notEqual((await call('stopAction', { action: c.id }, benAtDashboard)).stop_requested_at, null);
  await write(db, (trx) => trx.updateTable('action').set({ state: 'unknown' }).where('id', '=', c.id).execute());
  assert.equal((await call('closeAction', { action: c.id, reason: 'looked at it' }, benAtDashboard)).state, 'failed');
});

test('when playbooks are listed for a server, each says whether it fits and why not', async (t) => {
  const { call, db } = await operations(t);
  assert.equal(
    (await call('listPlaybooks', {})).playbooks.every(({ fits }) => fits === undefined),
    true,
  );
  await write(db, (trx) => trx.updateTable('server').set({ facts_json: null }).where('id', '=', web1).execute());
  const { playbooks } = await call('listPlaybooks', { server: 'web-1' });
  assert.deepEqual(
    playbooks.map(({ id }) => id),
    playbooks.map(({ id }) => id).toSorted(),
  );
  const restartThere = playbooks.find(({ id }) => id === 'service.restart');
  assert.deepEqual(
    [restartThere?.fits, restartThere?.does_not_fit_because],
    [false, 'the server is not run by systemd'],
  );
  const one = await call('getPlaybook', { playbook: 'service.restart' });
  assert.match(one.yaml, /^id: service\.restart/);
  await assert.rejects(call('getPlaybook', { playbook: 'no.such' }), hasCode('playbook_not_found'));
});

test('when a file is read or searched, the server decides, and the reading is audited', async (t) => {
  const { call, fleet, lastDetails, events } = await operations(t);
  fleet.observe = (async (_server: string, capability: string, parameters: object) =>
    capability === 'file.read'
      ? {
          path: '/etc/hosts',
          sha256: 'a'.repeat(64),
          bytes: 3,
          total_lines: 1,
          from_line: 1,
          untrusted_output: JSON.stringify(parameters),
          redactions: 2,
          truncated: false,
        }
      : { matches: [], files_searched: 4, redactions: 0, truncated: false }) as typeof fleet.observe;
  const read = await call('readFile', { server: 'web-1', path: '/etc/hosts' });
  assert.deepEqual(JSON.parse(read.untrusted_output), { path: '/etc/hosts', from_line: 1, lines: 400 });
  assert.deepEqual((await lastDetails('file.read'))?.details, {
    path: '/etc/hosts',
    from_line: 1,
    lines: 400,
    redactions: 2,
  });
  assert.equal((await call('searchFiles', { server: 'web-1', path: '/etc', text: 'x' })).files_searched, 4);
  const against = { against: 'backup', same: true, untrusted_output: '', redactions: 0, truncated: false };
  fleet.observe = (async () => ({ path: '/etc/hosts', ...against })) as unknown as typeof fleet.observe;
  await call('diffFile', { server: 'web-1', path: '/etc/hosts', against: 'backup', other: '/etc/motd' });
  assert.equal((await lastDetails('file.compared'))?.details.against, 'backup', 'what it was really compared with');
  const before = (await events()).length;
  fleet.observe = () => Promise.reject(fault('path_denied', { path: '/etc/shadow', reason: 'outside the roots' }));
  await assert.rejects(call('readFile', { server: 'web-1', path: '/etc/shadow' }), hasCode('path_denied'));
  assert.deepEqual((await lastDetails('request.refused'))?.details, {
    tool: 'readFile',
    error: 'path_denied',
    message: fault('path_denied', { path: '/etc/shadow', reason: 'outside the roots' }).message,
  });
  await assert.rejects(call('readFile', { server: 'web-9', path: '/etc/hosts' }), hasCode('server_not_found'));
  assert.equal((await events()).length, before + 1);
});

test('when the audit log is read, it comes page by page, filtered, and a token sees less than a person', async (t) => {
  const { call } = await operations(t);
  const { action } = await call('runPlaybook', { ...restart, reason: 'it is down' });
  await call('approveAction', { action: action?.id ?? '', digest: action?.digest ?? '' }, benAtDashboard);
  const first = await call('getAuditLog', { limit: 1 });
  assert.equal(first.entries[0]?.event, 'action.approved');
  const rest = await call('getAuditLog', { cursor: first.next_cursor ?? '' });
  assert.deepEqual(
    rest.entries.map(({ event }) => event),
    ['action.requested', 'policy.loaded'],
  );
  assert.equal(rest.next_cursor, null);
  const requested = async (caller: Caller) =>
    (await call('getAuditLog', { event: 'action.requested', server: 'web-1', action: action?.id }, caller)).entries[0];
  const [asToken, asPerson] = [await requested(assistant), await requested(anaAtDashboard)];
  assert.deepEqual([asToken?.details.reason, asPerson?.details.reason], [undefined, 'it is down']);
  assert.deepEqual([asToken?.who.ip, asPerson?.who.ip], [null, '127.0.0.1']);
  assert.deepEqual(asToken?.server, { id: web1, name: 'web-1' });
  assert.equal((await call('getAuditLog', { since: '2030-01-01T00:00:00Z' })).entries.length, 0);
  await assert.rejects(call('getAuditLog', { cursor: '-1' }), hasCode('invalid_input'));
});

test('when the audit log is verified, the answer says that it is whole', async (t) => {
  const { call } = await operations(t);
  await call('runPlaybook', restart);
  const { ok, entries, problems } = await call('verifyAudit', {}, anaAtDashboard);
  assert.deepEqual([ok, entries, problems], [true, 2, []]);
});

test('when the policy is asked for, its text, its place and its problems are shown', async (t) => {
  const { call, setPolicy } = await operations(t);
  assert.equal((await call('getPolicy', {}, anaAtDashboard)).source, 'built in');
  await setPolicy('  - {name: a, allow: maybe}');
  assert.match((await call('getPolicy', {}, anaAtDashboard)).problems[0] ?? '', /^line 3, column 15: rules\.0\.allow/);
});
