/** What else can become of a request: rejected, expired, withdrawn, refused, undone, cut off in the middle. On a real server. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import { bootHost, type Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type Assistant, connectAssistant, ToolError } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { installAgent, serverOnline } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';
import { breakSite, healSite, MEND, SITE_FILE, siteStatus } from './broken-site.ts';

const POLICY = `format: countersign-policy/1
rules:
  - name: quick
    when: { playbooks: [service.reload] }
    ask: { approvals: 1, from: [owner], channels: [web, cli], strength: form, expires: 5s }
`;

let host: Host;
let world: World;
let assistant: Assistant;
let server: string;

before(async () => {
  if (whyNoHosts()) return;
  host = await bootHost({ name: 'web-2' });
  world = await startWorld({ host: host.gateway, policy: POLICY });
  server = await installAgent(world, host, 'web-2');
  assistant = await connectAssistant('v2', { url: world.url, token: await world.token() });
});

after(async () => {
  await assistant?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const ask = async (playbook: string, parameters: Record<string, unknown>): Promise<string> =>
  (await assistant.call('run_playbook', { server: 'web-2', playbook, parameters })).action;
const approve = async (action: string) => {
  const { digest } = await world.owner('getAction', { action });
  return world.owner('approveAction', { action, digest, typed_server: 'web-2' });
};
/** Waits until the action is in one of the states; an end that is none of them fails at once and says what it was. */
async function becomes(action: string, ...states: string[]) {
  const seen = await eventually(
    `${action} to become ${states.join(' or ')}`,
    async () => {
      const now = await world.owner('getAction', { action });
      return states.includes(now.state) || isFinal(now.state) ? now : undefined;
    },
    { timeoutMs: 120_000 },
  );
  assert.ok(states.includes(seen.state), `${seen.state}: ${seen.status} ${JSON.stringify(seen.error ?? seen.result)}`);
  return seen;
}
const failsWith = (code: string) => (error: unknown) =>
  error instanceof ToolError && error.code === code && error.nextStep.length > 10;

hostTest('when a human rejects, nothing happens and the assistant is told why', async () => {
  await healSite(host);
  await breakSite(host);
  const action = await ask(MEND.playbook, MEND.parameters);
  const { digest } = await world.owner('getAction', { action });
  await world.owner('rejectAction', { action, digest, reason: 'not tonight' });
  const seen = await assistant.call('get_action', { action });
  assert.equal(seen.state, 'rejected');
  assert.match(JSON.stringify(seen), /not tonight/);
  assert.equal(await siteStatus(host), 0);
  await assert.rejects(world.owner('approveAction', { action, digest, typed_server: 'web-2' }), {
    code: 'already_decided',
  });
});

hostTest('when nobody decides in time, the request expires and a late approval is refused', async () => {
  await healSite(host);
  const action = await ask('service.reload', { unit: 'nginx' });
  await becomes(action, 'expired');
  await assert.rejects(
    approve(action),
    (error: { code?: string }) => error.code === 'action_expired' || error.code === 'action_not_open',
  );
});

hostTest('when the assistant withdraws its request, nobody can approve it any more', async () => {
  const action = await ask('service.restart', { unit: 'nginx' });
  assert.equal((await assistant.call('cancel_action', { action })).state, 'withdrawn');
  await assert.rejects(approve(action));
});

hostTest('when an approval names another plan than the one that is kept, it does not count', async () => {
  const action = await ask('service.restart', { unit: 'nginx' });
  await assert.rejects(world.owner('approveAction', { action, digest: 'a'.repeat(64), typed_server: 'web-2' }), {
    code: 'digest_mismatch',
  });
  assert.equal((await world.owner('getAction', { action })).state, 'awaiting_approval');
  await assistant.call('cancel_action', { action });
});

hostTest('when a token tries to approve, it is refused', async () => {
  const action = await ask('service.restart', { unit: 'nginx' });
  const { digest } = await world.owner('getAction', { action });
  await assert.rejects(world.as(await world.token())('approveAction', { action, digest }), { code: 'forbidden' });
  await assistant.call('cancel_action', { action });
});

hostTest('when the same request is made again, the same action answers', async () => {
  const action = await ask('service.restart', { unit: 'nginx' });
  assert.equal(await ask('service.restart', { unit: 'nginx' }), action);
  await assistant.call('cancel_action', { action });
});

hostTest(
  'T8: when the state changed between request and approval, the server refuses, and people are asked again with what drifted',
  async () => {
    const action = await ask('service.restart', { unit: 'nginx' });
    await host.exec(['systemctl', 'restart', 'nginx']);
    const pid = (await host.exec(['systemctl', 'show', '-p', 'MainPID', '--value', 'nginx'])).stdout;
    await approve(action);
    const seen = await becomes(action, 'refused');
    assert.equal(seen.error?.code, 'state_drifted');
    assert.equal((await host.exec(['systemctl', 'show', '-p', 'MainPID', '--value', 'nginx'])).stdout, pid);
    const again = await eventually('it to be asked again', async () => {
      const { followed_by } = await world.owner('getAction', { action });
      return followed_by ?? undefined;
    });
    const { state, follows, approvals } = await world.owner('getAction', { action: again });
    assert.deepEqual([state, follows?.action, approvals], ['awaiting_approval', action, []]);
    assert.match(follows?.differences.join(' ') ?? '', new RegExp(`main_pid .* to .*${pid.trim()}`, 'i'));
    await approve(again);
    await becomes(again, 'succeeded');
  },
);

hostTest('when the check fails, the undo brings the file back and the site stays as it was', async () => {
  await healSite(host);
  const before = await host.readFile(SITE_FILE);
  const action = await ask('config.set_key', {
    ...MEND.parameters,
    value: '20m',
    probe_url: 'http://127.0.0.1/there-is-no-such-page',
  });
  await approve(action);
  const seen = await becomes(action, 'failed');
  assert.equal(seen.result?.check?.passed, false);
  assert.equal(seen.result?.undo.state, 'done');
  assert.equal(await host.readFile(SITE_FILE), before);
  assert.equal(await siteStatus(host), 200);
});

hostTest('when the new content is refused by the validator, nothing is changed', async () => {
  const before = await host.readFile(SITE_FILE);
  // Only nginx itself can judge the file, and only in its place: the preview says so, and the step puts the old content back.
  const action = await ask('config.set_key', { ...MEND.parameters, value: '10Q' });
  await approve(action);
  const seen = await becomes(action, 'failed');
  assert.match(JSON.stringify(seen.result), /client_max_body_size/);
  assert.equal(await host.readFile(SITE_FILE), before);
  assert.equal(await siteStatus(host), 200);
});

hostTest('when the server is offline, nobody is asked and the assistant learns the next step', async () => {
  await host.exec(['systemctl', 'stop', 'countersign-link']);
  await eventually(
    'the server to be seen offline',
    async () => (await world.owner('getServerStatus', { server })).state === 'offline',
  );
  await assert.rejects(ask('service.restart', { unit: 'nginx' }), failsWith('server_offline'));
  await host.exec(['systemctl', 'start', 'countersign-link']);
  await serverOnline(world, server);
});

hostTest('when commands are off on the server, a command is refused before anybody is asked', async () => {
  await assert.rejects(
    assistant.call('run_command', { server: 'web-2', argv: ['true'] }),
    failsWith('commands_disabled'),
  );
});

/** Lets the server's owner allow commands, and asks for one that leaves a mark and then goes on until it is {@link letGo}. */
async function askForMark(mark: string): Promise<string> {
  await host.exec(['sed', '-i', 's/^commands: false/commands: true/', '/etc/countersign/policy.yaml']);
  await host.exec(['systemctl', 'restart', 'countersign-link']);
  await serverOnline(world, server);
  const script = `echo done >> /var/tmp/${mark}; until [ -e /var/tmp/${mark}.end ]; do sleep 0.05; done`;
  const { action } = await eventually('commands to be allowed', () =>
    assistant.call('run_command', { server: 'web-2', argv: ['sh', '-c', script], timeout_s: 300 }),
  );
  return action;
}
const letGo = (mark: string) => host.exec(['touch', `/var/tmp/${mark}.end`]);
const marks = async (mark: string) => (await host.exec(['cat', `/var/tmp/${mark}`], { okCodes: 'any' })).stdout;

hostTest('when the runner is killed in mid-step, the step goes on once and its result is found again', async () => {
  const action = await askForMark('runner');
  await approve(action);
  await eventually('the step to run', async () => (await marks('runner')) !== '');
  await host.exec(['systemctl', 'kill', '--signal=SIGKILL', '--kill-whom=main', 'countersign-runner.service']);
  await letGo('runner');
  const seen = await becomes(action, 'succeeded', 'failed', 'unknown');
  assert.equal(seen.state, 'succeeded', JSON.stringify(seen.result));
  assert.equal(await marks('runner'), 'done\n', 'exactly one effect');
});

hostTest('when the control plane is killed while a step runs, the result arrives after its restart', async () => {
  const action = await askForMark('plane');
  await approve(action);
  await eventually('the step to run', async () => (await marks('plane')) !== '');
  await world.restart('SIGKILL', async () => {
    await letGo('plane');
  });
  await becomes(action, 'succeeded');
  assert.equal(await marks('plane'), 'done\n', 'exactly one effect');
  assert.deepEqual((await world.owner('verifyAudit', {})).problems, []);
});

hostTest('when a running action is stopped, its processes end and what already ran is said', async () => {
  const { action } = await assistant.call('run_command', { server: 'web-2', argv: ['sleep', '300'], timeout_s: 600 });
  await approve(action);
  await becomes(action, 'running');
  await world.owner('stopAction', { action });
  await becomes(action, 'stopped');
  assert.equal((await host.exec(['pgrep', '-fx', 'sleep 300'], { okCodes: 'any' })).stdout, '');
});
