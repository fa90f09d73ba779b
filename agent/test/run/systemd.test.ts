/**
 * The installed agent on a server of its own, under real systemd: link and runner as their units, steps as transient units.
 * The control plane is played by the test, over TLS with its key pinned. Faults F4 to F6.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { PlanDraft, PlanProbe } from '@countersign/protocol';
import type { Host } from '../../../test/hosts/host.ts';
import { hostTest, whyNoHosts } from '../../../test/hosts/requirements.ts';
import type { ControlPlane, Peer } from '../link/control-plane.ts';
import { grantFor as grantForOn } from '../link/grant-for.ts';
import { command, draftOf, until } from './bed.ts';
import { InstalledServer } from './installed-server.ts';

let server: InstalledServer;
let host: Host;
let controlPlane: ControlPlane;
let connections = 0;

before(async () => {
  if (whyNoHosts() !== undefined) return;
  server = await InstalledServer.boot('mode: act\nmax_risk: critical\ncommands: true\n');
  ({ host, controlPlane } = server);
});

after(() => server?.[Symbol.asyncDispose]());

const linked = () => server.linked();
/** Starts the link anew: its next connection. */
const relinked = async () => {
  const before = controlPlane.peers.length;
  await host.exec(['systemctl', 'restart', 'countersign-link']);
  return server.linked(before);
};
const grantFor = (peer: Peer, draft: PlanDraft) => grantForOn(controlPlane, peer, draft);

const activeNow = (unit: string): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect: { active_state: { is: 'active' } },
});

const pidOf = async (unit: string) => Number((await host.exec(['systemctl', 'show', '-P', 'MainPID', unit])).stdout);
const effects = async (file: string) =>
  (await host.exec(['cat', file], { okCodes: 'any' })).stdout.split('\n').filter((line) => line !== '');

hostTest(
  'when the agent was installed, link and runner are there, the runner is root and its policy is in force',
  async () => {
    const peer = await linked();
    const [hello] = peer.all('hello');
    assert.deepEqual(
      [hello?.facts.root, hello?.facts.systemd, hello?.facts.os.id, hello?.policy.mode],
      [true, true, 'debian', 'act'],
    );
    // Systemd is not waited for: what it has not said in time is not known until the next one.
    await peer.hears('heartbeat', ({ sample }) => sample.failedUnits === 0);
    const link = await pidOf('countersign-link.service');
    const status = (await host.exec(['cat', `/proc/${link}/status`])).stdout;
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  },
);

hostTest('when a unit is restarted by a grant, it is another process afterwards, checked twice', async () => {
  const peer = await linked();
  await host.exec(['systemctl', 'start', 'nginx']);
  const before = await pidOf('nginx.service');
  const check = {
    probes: [
      activeNow('nginx.service'),
      { capability: 'http.probe' as const, parameters: { url: 'http://127.0.0.1/' }, expect: { status: { is: 200 } } },
    ],
    settle_ms: 0,
    stable_ms: 200,
  };
  const draft = draftOf([{ id: 'restart', capability: 'unit.restart' as never, parameters: { unit: 'nginx' } }], {
    check,
    risk: 'medium',
  });
  const grant = await grantFor(peer, draft);
  peer.send({ type: 'dispatch', grant });
  const { result } = await peer.hears('finished', ({ actionId }) => actionId === grant.grant.actionId);
  assert.equal(result.outcome, 'succeeded', JSON.stringify(result));
  assert.equal(result.check?.readings.length, 4);
  assert.notEqual(await pidOf('nginx.service'), before);
  const left = ['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'countersign-act_*'];
  const forgotten = async () => (await host.exec(left)).stdout.trim() === '';
  await host.waitFor(forgotten, { what: 'the transient unit is forgotten once the result is in the journal' });
});

hostTest(
  'when a start that found its unit running is taken back while systemd is about to start it again, it is not stopped',
  async () => {
    const peer = await linked();
    const dies =
      'systemctl kill shop; until systemctl show -P SubState shop | grep -q auto-restart; do sleep 0.1; done; exit 1';
    const units = {
      shop: ['ExecStart=/bin/sleep 1000', 'Restart=always', 'RestartSec=60s'],
      breaks: ['Type=oneshot', `ExecStart=/bin/sh -c '${dies}'`],
    };
    for (const [name, lines] of Object.entries(units))
      await host.writeFile(`/run/systemd/system/${name}.service`, `[Service]\n${lines.join('\n')}\n`);
    await host.exec(['sh', '-c', 'systemctl daemon-reload && systemctl start shop']);
    const steps = ['shop', 'breaks'].map((unit) => ({
      id: unit,
      capability: 'unit.start' as never,
      parameters: { unit },
    }));
    const grant = await grantFor(peer, draftOf(steps, { risk: 'medium' }));
    peer.send({ type: 'dispatch', grant });
    const { result } = await peer.hears('finished', ({ actionId }) => actionId === grant.grant.actionId);
    assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done'], JSON.stringify(result));
    assert.match(JSON.stringify(result.undo), /it was active before; shop\.service is activating \(auto-restart\)/);
    assert.equal((await host.exec(['systemctl', 'show', '-P', 'SubState', 'shop'])).stdout, 'auto-restart\n');
    await host.exec(['sh', '-c', 'systemctl stop shop; systemctl reset-failed breaks']);
  },
);

hostTest(
  'F5: when the runner is killed in the middle of a step, the step runs on in its unit, and its output and exit code are found',
  async () => {
    const peer = await linked();
    const waits = 'until [ -e /root/f5-go-on ]; do sleep 0.05; done';
    const script = `echo begun >>/root/f5; echo one; ${waits}; echo two; echo ended >>/root/f5; exit 0`;
    const grant = await grantFor(peer, draftOf([command('one', 'sh', '-c', script)], { risk: 'high' }));
    const { actionId } = grant.grant;
    peer.send({ type: 'dispatch', grant });
    await peer.hears('output', (chunk) => chunk.actionId === actionId);
    await host.exec(['systemctl', 'kill', '--signal=KILL', 'countersign-runner.service']);
    await host.writeFile('/root/f5-go-on', '');
    const { result } = await peer.hears('finished', (report) => report.actionId === actionId);
    assert.equal(result.outcome, 'succeeded', JSON.stringify(result));
    assert.equal(result.steps[0]?.exitCode, 0);
    const chunks = new Map(
      peer
        .all('output')
        .filter((chunk) => chunk.actionId === actionId)
        .map(({ chunk, text }) => [chunk, text]),
    );
    assert.equal([...chunks.values()].join(''), 'one\ntwo\n', 'no line is missing and none is doubled');
    assert.deepEqual(await effects('/root/f5'), ['begun', 'ended']);
  },
);

hostTest('F19: when a stop is sent for a step in its unit, all its processes are gone', async () => {
  const peer = await linked();
  const grant = await grantFor(
    peer,
    draftOf([command('one', 'sh', '-c', 'sleep 4321 & sleep 4321')], { risk: 'high' }),
  );
  const { actionId } = grant.grant;
  peer.send({ type: 'dispatch', grant });
  await host.waitFor(['pgrep', '-f', 'sleep 4321']);
  peer.send({ type: 'stop', actionId });
  const { result } = await peer.hears('finished', (report) => report.actionId === actionId);
  assert.equal(result.outcome, 'stopped');
  assert.equal((await host.exec(['pgrep', '-fc', 'sleep 4321'], { okCodes: 'any' })).stdout.trim(), '0');
});

hostTest('when a unit fails, the link raises an alert with its name, and resolves it when it is reset', async () => {
  controlPlane.behaviour.heartbeatMs = 300;
  const peer = await relinked();
  await host.exec(['systemd-run', '--unit=doomed', '--property=RemainAfterExit=yes', 'false'], { okCodes: 'any' });
  const fired = await peer.hears('alert', ({ alert }) => alert.kind === 'failed_unit');
  assert.deepEqual([fired.alert.key, fired.alert.state], ['doomed.service', 'firing']);
  await host.exec(['systemctl', 'reset-failed', 'doomed']);
  await peer.hears('alert', ({ alert }) => alert.key === 'doomed.service' && alert.state === 'resolved');
  controlPlane.behaviour.heartbeatMs = 30_000;
});

hostTest(
  'F6: when the server is cut off in the middle of a step, the outcome is unknown, the boot is another one, and nothing runs again',
  async () => {
    const peer = await linked();
    const draft = draftOf([command('one', 'sh', '-c', 'echo begun >>/root/f6; sync; sleep 600')], {
      risk: 'high',
      check: { probes: [activeNow('nginx.service')], settle_ms: 0, stable_ms: 0 },
    });
    const grant = await grantFor(peer, draft);
    const { actionId } = grant.grant;
    const bootBefore = peer.all('hello')[0]?.facts.bootId;
    peer.send({ type: 'dispatch', grant });
    await host.waitFor(['test', '-s', '/root/f6']);
    connections = controlPlane.peers.length;
    // A power cut ends everything at once; here processes end one after the other, and the runner must not see the step go first.
    await host.exec(['systemctl', 'kill', '--signal=SIGSTOP', 'countersign-runner.service']);
    await host.reboot({ abrupt: true });
    const back = await until(
      () => controlPlane.peers.slice(connections).find((it) => it.all('hello').length > 0),
      'the link to come back',
      40_000,
    );
    assert.notEqual(back.all('hello')[0]?.facts.bootId, bootBefore);
    // A booting server may have to connect more than once; the report comes over whichever link holds.
    const told = () =>
      controlPlane.peers.slice(connections).flatMap((it) => it.all('finished').map((report) => ({ it, report })));
    const mine = () => told().filter(({ report }) => report.actionId === actionId);
    const { it: holding, report } = await until(() => mine()[0], 'the outcome of the action', 40_000);
    assert.equal(report.result.outcome, 'unknown');
    assert.match(report.result.summary, /the server was restarted in the middle of step one/);
    const before = mine().length;
    holding.send({ type: 'dispatch', grant });
    await until(() => mine().length > before, 'the same answer again');
    assert.deepEqual(await effects('/root/f6'), ['begun']);
  },
);

hostTest('when the runner has nothing to do, it goes, and the next request starts it again', async () => {
  const peer = await linked();
  await peer.ask({ type: 'observe', capability: 'unit.state', parameters: { unit: 'nginx' }, timeoutMs: 30_000 });
  await host.exec(['systemctl', 'kill', '--signal=TERM', 'countersign-runner.service']);
  await host.waitFor(async () => (await pidOf('countersign-runner.service')) === 0);
  const answer = await peer.ask({
    type: 'observe',
    capability: 'unit.state',
    parameters: { unit: 'nginx' },
    timeoutMs: 30_000,
  });
  assert.equal(answer.type, 'observed', JSON.stringify(answer));
});

hostTest(
  'T14: when a command is given secrets, they reach its unit, and neither its properties nor any file keep them',
  async () => {
    const value = 'corr$ct "horse" \\ `bat\' 9';
    await host.writeFile('/etc/shop.env', `DB_PASSWORD=${value}\n`, '0600');
    const policy = 'mode: act\nmax_risk: critical\ncommands: true\n';
    await host.writeFile(
      '/etc/countersign/policy.yaml',
      `${policy}secrets: {db: {file: /etc/shop.env, key: DB_PASSWORD}}\n`,
    );
    // Else the link tells of the new policy at its next heartbeat, over a new connection, maybe in the middle of the action.
    const peer = await relinked();
    const script =
      'read -r line; printf %s "$line" >/root/in; printf %s "$PASSWORD" >/root/env; echo "got $PASSWORD"; systemctl show "countersign-act_*"';
    const step = command('one', 'sh', '-c', script);
    const parameters = { ...step.parameters, stdin: '{{secret:db}}\n', environment: { PASSWORD: '{{secret:db}}' } };
    const grant = await grantFor(peer, draftOf([{ ...step, parameters }], { risk: 'high' }));
    const { actionId } = grant.grant;
    peer.send({ type: 'dispatch', grant });
    const { result } = await peer.hears('finished', (report) => report.actionId === actionId);
    assert.equal(result.outcome, 'succeeded', JSON.stringify(result));
    assert.equal(await host.readFile('/root/in'), value);
    assert.equal(await host.readFile('/root/env'), value);
    const heard = JSON.stringify(peer.heard);
    assert.match(heard, /got \[redacted\]/);
    assert.match(heard, /EnvironmentFiles?=/, 'the unit told its properties');
    const kept = await host.exec(['grep', '-rlF', 'corr$ct', '/var/lib/countersign', '/run/systemd/transient'], {
      okCodes: 'any',
    });
    assert.equal(kept.stdout, '');
    for (const text of [heard, await host.logs()]) assert.ok(!text.includes('corr$ct'));
    await host.writeFile('/etc/countersign/policy.yaml', policy);
  },
);
