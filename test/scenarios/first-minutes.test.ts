/** What `npm start` gives a new user: a control plane, and an answer about this very machine in an assistant. No root, no systemd needed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Assistant, connectAssistant, ToolError } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { startWorld, type World } from '../world/world.ts';

let world: World;
let assistant: Assistant;
let server: string;

before(async () => {
  world = await startWorld({ localAgent: 'observe' });
  assistant = await connectAssistant('v2', { url: world.url, token: await world.token() });
  // Enrolment connects for a moment before the link does, so online alone is not enough: it has to answer.
  server = await eventually('this machine to answer', async () => {
    const { servers } = await assistant.call('list_servers');
    await assistant.call('run_diagnostic', { server: servers[0]?.name, diagnostics: ['overview'] });
    return servers[0]?.name;
  });
});

after(async () => {
  await assistant?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

test('when a new user starts it, the terminal says where to go and how to connect each assistant', () => {
  for (const said of [`${world.url}/setup#`, 'claude mcp add', 'codex mcp add', 'mcp.json'])
    assert.ok(world.log().includes(said), said);
});

test('when an assistant describes a problem, this machine answers with findings', async () => {
  const seen = await assistant.call('run_diagnostic', {
    server,
    description: 'everything is slow since this morning, maybe the disk is full',
  });
  const ran = seen.diagnostics.map((it: { diagnostic: string }) => it.diagnostic);
  assert.ok(ran.includes('disk') || ran.includes('overview'), ran.join());
  assert.ok(seen.findings.length > 0);
});

test('when an assistant runs triage, it reads at once and asks nobody', async () => {
  const { diagnosis, action } = await assistant.call('run_playbook', { server, playbook: 'triage' });
  assert.equal(action, undefined);
  assert.ok(diagnosis.diagnostics.length >= 3);
});

test('when an assistant asks this machine for a change, it is told that only reading is allowed', async () => {
  await assert.rejects(
    assistant.call('write_file', { server, path: '/etc/nginx/x.conf', content: 'x', expected_sha256: null }),
    (error: unknown) =>
      error instanceof ToolError && /server_observe_only|server_policy_denies|path_denied/.test(error.code),
  );
});

test('when an assistant names what does not exist, each error says the next step', async () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['get_server_status', { server: 'nowhere' }, /server_not_found/],
    ['run_diagnostic', { server, diagnostics: ['no_such'] }, /invalid_input|diagnostic_not_found/],
    ['run_diagnostic', { server, diagnostics: ['service'], parameters: { unit: '-rf' } }, /invalid_input/],
    ['run_playbook', { server, playbook: 'no.such' }, /playbook_not_found/],
    ['get_action', { action: 'act_000000000000' }, /action_not_found/],
    ['read_file', { server, path: '/etc/shadow' }, /path_denied/],
    ['read_file', { server, path: '/etc/../etc/passwd' }, /invalid_input/],
    ['list_actions', { cursor: '%%%' }, /invalid_input/],
  ];
  for (const [tool, input, code] of cases)
    await assert.rejects(
      assistant.call(tool, input),
      (error: unknown) => error instanceof ToolError && code.test(error.code) && error.nextStep.length > 10,
      `${tool} ${JSON.stringify(input)}`,
    );
});
