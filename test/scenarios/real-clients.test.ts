/**
 * The real Claude Code and the real Codex do the main job against the real control plane and a real Debian under systemd;
 * only their model is a script. They connect by TLS with the control plane's own certificate.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { runClaudeCode } from '../clients/claude-code.ts';
import { type ClientName, clientTest, findClient } from '../clients/client-test.ts';
import { runCodex } from '../clients/codex.ts';
import type { ClientOutcome, ClientRun } from '../clients/run-client.ts';
import { bootHost, type Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { pairTelegram, type TelegramApprover } from '../world/approvers.ts';
import { extraCertificates } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { installAgent } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';
import { healSite, SITE_FILE, siteStatus } from './broken-site.ts';
import { repairScript, seenAction } from './repair-script.ts';

interface Case {
  readonly client: ClientName;
  readonly title: string;
  /** Its own server: a broad diagnosis rests 30 seconds between two runs on one server. */
  readonly server: string;
  /** What the client calls itself, before its version. */
  readonly mcpName: string;
  /** The line that takes the site down. */
  readonly broken: string;
  /** The value that brings it back; null where the finding knows it. */
  readonly value: string | null;
  readonly run: (run: ClientRun) => Promise<ClientOutcome>;
}

const cases: readonly Case[] = [
  {
    client: 'claude',
    title: 'Claude Code',
    server: 'web-claude',
    mcpName: 'claude-code',
    broken: 'client_max_body_size 10Q;',
    value: '10m',
    run: (run) => runClaudeCode({ ...run, env: { NODE_EXTRA_CA_CERTS: extraCertificates() } }),
  },
  {
    client: 'codex',
    title: 'Codex with function tools',
    server: 'web-codex',
    mcpName: 'codex-mcp-client',
    broken: 'tcp_nodelay onn;',
    value: null,
    run: (run) => runCodex({ ...run, env: { CODEX_CA_CERTIFICATE: extraCertificates() } }),
  },
  {
    client: 'codex',
    title: 'Codex in code mode',
    server: 'web-codex-code',
    mcpName: 'codex-mcp-client',
    broken: 'client_max_body_size 10Q;',
    value: '10m',
    run: (run) => runCodex({ ...run, tools: 'code', env: { CODEX_CA_CERTIFICATE: extraCertificates() } }),
  },
];

/** All there is for an assistant: design.md, section 12. None of them decides. */
const TOOLS = [
  'cancel_action',
  'diff_file',
  'discover_services',
  'get_action',
  'get_audit_log',
  'get_capabilities',
  'get_playbook',
  'get_server_status',
  'get_timeline',
  'list_actions',
  'list_alerts',
  'list_playbooks',
  'list_servers',
  'read_file',
  'run_command',
  'run_diagnostic',
  'run_playbook',
  'search_files',
  'verify_deploy',
  'write_file',
];

const hosts = new Map<string, Host>();
let world: World;
let telegram: TelegramApprover;

before(async () => {
  const here = cases.filter(({ client }) => findClient(client) !== undefined);
  if (whyNoHosts() || here.length === 0) return;
  for (const { server } of here) hosts.set(server, await bootHost({ name: server }));
  world = await startWorld({ host: [...hosts.values()][0]?.gateway ?? '', telegram: true });
  telegram = await pairTelegram(world);
  await Promise.all([...hosts].map(([name, host]) => installAgent(world, host, name)));
});

after(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
});

/** Needs the assistant and a host: skipped by the name of what is missing, or failing where every part is required. */
const bothTest = (client: ClientName, title: string, fn: () => Promise<void>) =>
  whyNoHosts() === undefined ? clientTest(client, title, fn) : hostTest(title, fn);

for (const one of cases) {
  bothTest(
    one.client,
    `when a site is down, ${one.title} cannot approve its own fix, and brings the site back once a human has approved`,
    async () => {
      const host = hosts.get(one.server);
      assert.ok(host);
      await breakSite(host, one.broken);
      const token = await world.token();
      const waits = Promise.withResolvers<string>();
      const repair = repairScript({ server: one.server, value: one.value, onWait: waits.resolve });
      let offered: string[] = [];
      const waitsBegan = new Map<number, number>();
      const client = one.run({
        mcpUrl: `${world.url}/mcp`,
        token,
        prompt: `The site on ${one.server} is down since 2:10, nginx does not come up. Please repair it.`,
        script: (it) => {
          offered = it.tools.map(({ name }) => name);
          const next = repair(it);
          // A client may repeat a request: its first one counts.
          if (next.calls?.some(isWait) && !waitsBegan.has(it.turn)) waitsBegan.set(it.turn, performance.now());
          return next;
        },
        timeoutMs: 150_000,
      });
      // Where the client ends without waiting, the human has nothing to decide.
      client.then(
        ({ stdout, stderr }) => waits.reject(new Error(`it never waited for a human:\n${stdout}\n${stderr}`)),
        waits.reject,
      );
      const [human, assistant] = await Promise.allSettled([
        waits.promise.then((action) => humanApproves(action, { one, host, token })),
        client,
      ]);
      if (assistant.status === 'rejected') throw assistant.reason;
      if (human.status === 'rejected') throw human.reason;
      assert.equal(await siteStatus(host), 200);
      theClientReports(assistant.value, one);
      noWaitCameBackEarly([...waitsBegan.values()]);
      assert.deepEqual(offered.sort(), TOOLS);
      nothingItTriedDecides(assistant.value);
      await theLogProves(await waits.promise, one);
    },
  );
}

/** Somebody saved a bad line and restarted nginx. */
async function breakSite(host: Host, line: string): Promise<void> {
  await healSite(host);
  await host.writeFile(SITE_FILE, `# Ours.\n${line}\n`);
  await host.exec(['systemctl', 'restart', 'nginx'], { okCodes: 'any' });
  await eventually('the site to be down', async () => (await siteStatus(host)) === 0);
}

/** The client waits; its token is refused where people decide; the owner taps. */
async function humanApproves(
  action: string,
  { one, host, token }: { one: Case; host: Host; token: string },
): Promise<void> {
  const { state, digest, fingerprint, requested_by } = await world.owner('getAction', { action });
  assert.equal(state, 'awaiting_approval', 'what the client tried must not have decided');
  assert.equal(await siteStatus(host), 0, 'nothing may happen before a human decides');
  assert.equal(requested_by.client?.split(' ')[0], one.mcpName);
  await assert.rejects(world.as(token)('approveAction', { action, digest }), { code: 'forbidden' });
  const card = await telegram.card(fingerprint);
  assert.ok(card.text.includes(one.server), card.text);
  await telegram.tap(card.messageId, 'Approve');
}

function theClientReports({ exitCode, stdout, stderr, toolCalls, toolResults }: ClientOutcome, one: Case): void {
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, new RegExp(`REPAIRED: ${one.server} is up again, approved by Ada by telegram`));
  assert.doesNotMatch(stdout, /NOT REPAIRED/);
  assert.deepEqual(
    [...new Set(toolCalls.map(({ tool }) => tool))],
    [
      'get_capabilities',
      'list_servers',
      'run_diagnostic',
      'list_playbooks',
      'run_playbook',
      'get_action',
      'cancel_action',
      'run_command',
    ],
  );
  const seen = toolResults.find(({ callId }) => callId === toolCalls.findLast(isWait)?.id);
  assert.equal(seenAction.parse(seen?.json).state, 'succeeded');
}

const isWait = ({ arguments: input }: Pick<ClientOutcome['toolCalls'][number], 'arguments'>) => input.wait_s === 50;

/** One call waits until it is done, on a quick machine; where 50 seconds are not enough another one goes on, and no sooner. */
function noWaitCameBackEarly(began: readonly number[]): void {
  assert.ok(began.length > 0, 'it waited');
  const lasted = began.slice(1).map((at, index) => Math.round(at - (began[index] ?? at)));
  // A second less, for clocks of two processes.
  assert.ok(
    lasted.every((ms) => ms >= 49_000),
    `the waits before the last one took ${lasted.join(', ')} ms`,
  );
}

function nothingItTriedDecides({ toolCalls, toolResults }: ClientOutcome): void {
  const tried = toolCalls.filter(
    ({ tool, arguments: input }) => 'verdict' in input || 'approved' in input || tool === 'run_command',
  );
  assert.deepEqual(
    tried.map(({ id }) => toolResults.find(({ callId }) => callId === id)?.text.match(/[a-z]+_[a-z_]+/)?.[0]),
    ['invalid_input', 'invalid_input', 'invalid_input', 'commands_disabled'],
  );
}

async function theLogProves(action: string, one: Case): Promise<void> {
  const { entries } = await world.owner('getAuditLog', { action });
  assert.deepEqual(
    entries
      .map(({ event }) => event)
      .filter((event) => event.startsWith('action.'))
      .reverse(),
    ['action.requested', 'action.approved', 'action.dispatched', 'action.started', 'action.succeeded'],
  );
  assert.ok(JSON.stringify(entries).includes(one.mcpName), 'the log says through which client it was asked');
  const proof = await world.owner('verifyAudit', {});
  assert.deepEqual(proof.problems, []);
  assert.equal(proof.ok, true);
}
