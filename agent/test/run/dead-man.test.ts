/**
 * Changes that can lock everybody out, on a real server: rules of a real firewall that cut the agent off, real timers of
 * systemd, and no runner, no link, no power at the wrong moment. The server goes back by itself unless somebody confirms.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { PlanDraft, SignedGrant } from '@countersign/protocol';
import type { Host } from '../../../test/hosts/host.ts';
import { hostTest, whyNoHosts } from '../../../test/hosts/requirements.ts';
import type { ControlPlane, Peer } from '../link/control-plane.ts';
import { grantFor } from '../link/grant-for.ts';
import { draftOf, until } from './bed.ts';
import { InstalledServer } from './installed-server.ts';

/** The least that a plan can give. */
const WITHIN_MS = 10_000;
const BEFORE = `flush ruleset
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy accept;
\t}
}
`;
/** Nothing that is sent to the control plane arrives any more. */
const CUT_OFF = `flush ruleset
table inet filter {
\tchain output {
\t\ttype filter hook output priority filter; policy accept;
\t\tip daddr 10.77.0.0/16 drop
\t}
}
`;
const HARMLESS = `flush ruleset
table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\ttcp dport 22 accept
\t}
}
`;

let server: InstalledServer;
let host: Host;
let controlPlane: ControlPlane;

before(async () => {
  if (whyNoHosts() !== undefined) return;
  server = await InstalledServer.boot('mode: act\nmax_risk: critical\nlockout: [firewall]\n');
  ({ host, controlPlane } = server);
  await host.exec(['systemctl', 'start', 'nginx']);
  await host.writeFile('/etc/nftables.conf', BEFORE);
  await host.exec(['nft', '-f', '/etc/nftables.conf']);
});

after(() => server?.[Symbol.asyncDispose]());

const rules = async () => (await host.exec(['nft', 'list', 'ruleset'])).stdout;
const timers = async () =>
  (
    await host.exec(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'countersign-revert-*'])
  ).stdout.trim();

async function grantRules(peer: Peer, ruleset: string, withinMs = WITHIN_MS): Promise<SignedGrant> {
  const confirm = { within_ms: withinMs, because: 'it replaces the rules of the firewall' };
  const step = { id: 'apply', capability: 'firewall.apply', parameters: { ruleset }, timeout_ms: 30_000 };
  const draft: PlanDraft = draftOf([step as never], { confirm, risk: 'critical' });
  return grantFor(controlPlane, peer, draft);
}

/**
 * Runs a script on the server as soon as the human is asked. It waits there and is begun before the dispatch: from then on the server
 * gives ten seconds, of which none is to be spent on the way.
 */
function whenAsked({ grant }: SignedGrant, script: string) {
  const journal = '/var/lib/countersign/runner/journal.ndjson';
  const asked = `grep '"confirming"' ${journal} | grep -q ${grant.actionId}`;
  return host.exec(['sh', '-c', `until ${asked}; do sleep 0.05; done; ${script}`], { timeoutMs: 60_000 });
}

/** What became of an action, over whichever connection it comes. */
function finished(actionId: string) {
  const reports = () => controlPlane.peers.flatMap((peer) => peer.all('finished'));
  return until(() => reports().find((report) => report.actionId === actionId)?.result, 'the result', 60_000);
}

async function isBack(): Promise<void> {
  assert.equal(await rules(), BEFORE.replace('flush ruleset\n', ''));
  assert.equal(await host.readFile('/etc/nftables.conf'), BEFORE);
  await host.waitFor(async () => (await timers()) === '', { what: 'no timer is left' });
}

hostTest(
  'when rules are previewed, nft has judged them and the listening ports that they close are named',
  async () => {
    const peer = await server.linked();
    const { grant } = await grantRules(peer, HARMLESS);
    const [step] = grant.plan.preview.steps;
    assert.deepEqual(step?.argv, [
      ['nft', '--check', '--file', '-'],
      ['nft', '--file', '/etc/nftables.conf'],
    ]);
    assert.match(step?.effects.join('\n') ?? '', /New connections from outside are refused on listening port 80\./);
    assert.match(step?.diff ?? '', /^\+.*tcp dport 22 accept$/m);
    for (const bad of ['flush ruleset\ntable x {', 'flush ruleset\ninclude "/etc/shadow"\n'])
      await assert.rejects(grantRules(peer, bad), /validator_failed/);
    assert.equal(await rules(), BEFORE.replace('flush ruleset\n', ''), 'nothing changed');
  },
);

hostTest('when rules cut the agent itself off, the server takes them back by itself and the link is back', async () => {
  const peer = await server.linked();
  const grant = await grantRules(peer, CUT_OFF);
  const connections = controlPlane.peers.length;
  const dial = `curl --silent --max-time 2 --insecure ${controlPlane.url}; echo "curl ended with $?"`;
  const looked = whenAsked(
    grant,
    `systemctl list-units --all --plain 'countersign-revert-*'; nft list ruleset; ${dial}`,
  );
  peer.send({ type: 'dispatch', grant });
  const { stdout: seen } = await looked;
  assert.match(seen, /countersign-revert-act_\w+\.timer/);
  assert.match(seen, /drop/, 'the new rules');
  assert.match(seen, /curl ended with [1-9]/, 'the server cannot reach the control plane');
  const result = await finished(grant.grant.actionId);
  assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done'], JSON.stringify(result));
  assert.match(result.summary, /Nobody confirmed within 10 s/);
  assert.ok(await server.linked(connections), 'the link has dialled anew');
  await isBack();
});

hostTest(
  'when a human confirms over a connection that was made since, the rules stay and the timer is gone',
  async () => {
    const peer = await server.linked();
    const grant = await grantRules(peer, HARMLESS, 120_000);
    const { actionId } = grant.grant;
    const connections = controlPlane.peers.length;
    peer.send({ type: 'dispatch', grant });
    const anew = await server.linked(connections);
    const asked = await anew.hears('step', (step) => step.phase === 'confirming' && step.actionId === actionId);
    assert.ok(asked.until !== undefined && asked.until > asked.at);
    assert.ok(
      !peer.all('step').some(({ phase }) => phase === 'confirming'),
      'nobody is asked over the former connection',
    );
    anew.send({ type: 'confirm', actionId, signatures: [] });
    const result = await finished(actionId);
    assert.deepEqual([result.outcome, result.undo.state], ['succeeded', 'not_needed'], JSON.stringify(result));
    assert.match(await rules(), /tcp dport 22 accept/);
    assert.equal(await host.readFile('/etc/nftables.conf'), HARMLESS);
    await host.waitFor(async () => (await timers()) === '', { what: 'no timer is left' });
    await host.writeFile('/etc/nftables.conf', BEFORE);
    await host.exec(['nft', '-f', '/etc/nftables.conf']);
  },
);

hostTest(
  'F4: when runner and link are dead while a human is asked, the timer of the server takes everything back',
  async () => {
    const peer = await server.linked();
    const grant = await grantRules(peer, CUT_OFF);
    const runner = 'countersign-runner.service';
    const end = `systemctl mask --runtime ${runner}; systemctl kill --signal=KILL ${runner}; while systemctl is-active --quiet ${runner}; do sleep 0.05; done`;
    const ended = whenAsked(grant, `${end}; exec nft list ruleset`);
    peer.send({ type: 'dispatch', grant });
    const { stdout: left } = await ended;
    assert.match(left, /drop/, 'nobody has taken it back yet');
    await host.exec(['systemctl', 'stop', 'countersign-link.service', 'countersign-runner.socket']);
    await host.waitFor(async () => !(await rules()).includes('drop'), { timeoutMs: 30_000, what: 'the former rules' });
    await host.waitFor(async () => (await timers()) === '', { timeoutMs: 30_000, what: 'the revert to end' });
    const connections = controlPlane.peers.length;
    await host.exec(['systemctl', 'unmask', '--runtime', 'countersign-runner.service']);
    await host.exec(['systemctl', 'start', 'countersign-runner.socket', 'countersign-link.service']);
    await server.linked(connections);
    const result = await finished(grant.grant.actionId);
    assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done'], JSON.stringify(result));
    assert.match(await host.logs(`countersign-revert-${grant.grant.actionId}.service`), /revert\.begun/);
    await isBack();
  },
);

hostTest(
  'F6: when the power goes while a human is asked, the server takes everything back after it has booted',
  async () => {
    // A slow boot leaves no time to look before the server goes back.
    const shown = '[Service]\nExecStartPost=/bin/sh -c "nft list ruleset >/run/rules-at-boot"\n';
    await host.writeFile('/etc/systemd/system/nftables.service.d/shown.conf', shown);
    await host.exec(['systemctl', 'enable', 'nftables.service']);
    const peer = await server.linked();
    const grant = await grantRules(peer, CUT_OFF);
    // The runner stands still until the power goes: it does not go back itself when that takes long.
    const stands = whenAsked(grant, 'systemctl kill --signal=SIGSTOP countersign-runner.service');
    peer.send({ type: 'dispatch', grant });
    await stands;
    await host.reboot({ abrupt: true });
    assert.match(await host.readFile('/run/rules-at-boot'), /drop/, 'the rules that cut it off are loaded at boot');
    const result = await finished(grant.grant.actionId);
    assert.deepEqual([result.outcome, result.undo.state], ['failed', 'done'], JSON.stringify(result));
    await isBack();
  },
);
