/**
 * The main job, whole: a site is down, an assistant finds out why and asks for a fix, a human approves, the server checks and
 * acts, the site answers, the log can be proved. On a real Debian under systemd, with each kind of client.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { bootHost, type Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { pairTelegram, type TelegramApprover } from '../world/approvers.ts';
import { type Assistant, type AssistantKind, assistantKinds, connectAssistant } from '../world/assistants.ts';
import { installAgent } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';
import { breakSite, healSite, MEND, siteStatus } from './broken-site.ts';

let host: Host;
let world: World;
let telegram: TelegramApprover;
let token: string;

before(async () => {
  if (whyNoHosts()) return;
  host = await bootHost({ name: 'web-1' });
  world = await startWorld({ host: host.gateway, telegram: true });
  telegram = await pairTelegram(world);
  token = await world.token();
  await installAgent(world, host, 'web-1');
});

after(async () => {
  await world?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

/** What an assistant does until a human has to decide. Returns the action id. */
async function investigateAndAsk(assistant: Assistant): Promise<string> {
  const { rules } = await assistant.call('get_capabilities');
  assert.match(JSON.stringify(rules), /human/i);
  const { servers } = await assistant.call('list_servers');
  assert.equal(servers.find((server: { name: string }) => server.name === 'web-1').state, 'online');
  const { findings } = await assistant.call('run_diagnostic', {
    server: 'web-1',
    description: 'site is down since 2:10, nginx does not come up',
  });
  const kinds = findings.map((finding: { kind: string }) => finding.kind);
  assert.ok(
    kinds.some((kind: string) => kind.startsWith('nginx.')),
    kinds.join(),
  );
  assert.match(JSON.stringify(findings), /client_max_body_size/);
  const { playbooks } = await assistant.call('list_playbooks', { server: 'web-1' });
  assert.ok(playbooks.some((playbook: { id: string }) => playbook.id === MEND.playbook));
  const asked = await assistant.call('run_playbook', {
    server: 'web-1',
    ...MEND,
    reason: 'The upload limit has a typo.',
  });
  assert.equal(asked.state, 'awaiting_approval');
  assert.equal(await siteStatus(host), 0, 'nothing may happen before a human decides');
  return asked.action;
}

/** Waits as an assistant does until nothing more happens. */
async function settled(assistant: Assistant, action: string) {
  for (let round = 0; round < 4; round += 1) {
    const seen = await assistant.call('get_action', { action, wait_s: 50 });
    if (!['awaiting_approval', 'approved', 'dispatched', 'running'].includes(seen.state)) return seen;
  }
  throw new Error(`action ${action} did not settle`);
}

async function everythingAgrees(action: string) {
  const detail = await world.owner('getAction', { action });
  assert.equal(detail.state, 'succeeded');
  assert.equal(detail.result?.check?.passed, true);
  const card = await telegram.twin.waitForMessage(
    telegram.chat,
    new RegExp(`${detail.fingerprint}[\\s\\S]*succeeded|succeeded[\\s\\S]*${detail.fingerprint}`, 'i'),
  );
  assert.ok(card);
  const audit = await world.owner('getAuditLog', { action });
  const events = audit.entries.map((entry) => entry.event).reverse();
  assert.deepEqual(
    events.filter((event) => /^action\./.test(event)),
    ['action.requested', 'action.approved', 'action.dispatched', 'action.started', 'action.succeeded'],
  );
  const proof = await world.owner('verifyAudit', {});
  assert.deepEqual(proof.problems, []);
  assert.equal(proof.ok, true);
}

for (const kind of assistantKinds satisfies readonly AssistantKind[]) {
  hostTest(
    `when a site is down and a human approves in Telegram, an assistant over ${kind} brings it back`,
    async () => {
      await healSite(host);
      await breakSite(host);
      await using assistant = await connectAssistant(kind, { url: world.url, token });
      const action = await investigateAndAsk(assistant);
      const { fingerprint } = await world.owner('getAction', { action });
      const card = await telegram.card(fingerprint);
      assert.match(card.text, /web-1/);
      assert.match(card.text, /client_max_body_size/);
      await telegram.tap(card.messageId, 'Approve');
      const done = await settled(assistant, action);
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      assert.equal(await siteStatus(host), 200);
      await everythingAgrees(action);
    },
  );
}
