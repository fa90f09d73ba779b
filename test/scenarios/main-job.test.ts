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
import { openBrowser, signInAsOwner } from '../world/browser.ts';
import { installAgent } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';
import { breakSite, healSite, MEND, siteStatus } from './broken-site.ts';

const hosts = new Map<string, Host>();
let world: World;
/** One server for each client, and one more for the browser. */
const names = [...assistantKinds.map((kind) => `web-${kind}`), 'web-browser'];
let telegram: TelegramApprover;
let token: string;

before(async () => {
  if (whyNoHosts()) return;
  // A server for each: the broad diagnosis rests 30 seconds between two runs on one server.
  for (const name of names) hosts.set(name, await bootHost({ name }));
  world = await startWorld({ host: hostNamed(names[0] ?? '').gateway, telegram: true });
  telegram = await pairTelegram(world);
  token = await world.token();
  for (const name of names) await installAgent(world, hostNamed(name), name);
});

after(async () => {
  await world?.[Symbol.asyncDispose]();
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
});

function hostNamed(name: string): Host {
  const host = hosts.get(name);
  if (!host) throw new Error(`there is no host ${name}`);
  return host;
}

/** What an assistant does until a human has to decide. Returns the action id. */
async function investigateAndAsk(assistant: Assistant, name: string): Promise<string> {
  const { rules } = await assistant.call('get_capabilities');
  assert.match(JSON.stringify(rules), /human/i);
  const { servers } = await assistant.call('list_servers');
  assert.equal(servers.find((server: { name: string }) => server.name === name).state, 'online');
  const { findings } = await assistant.call('run_diagnostic', {
    server: name,
    description: 'site is down since 2:10, nginx does not come up',
  });
  const kinds = findings.map((finding: { kind: string }) => finding.kind);
  assert.ok(
    kinds.some((kind: string) => /^(together\.nginx|nginx\.)/.test(kind)),
    kinds.join(),
  );
  assert.match(JSON.stringify(findings), /client_max_body_size/);
  const { playbooks } = await assistant.call('list_playbooks', { server: name });
  assert.ok(playbooks.some((playbook: { id: string }) => playbook.id === MEND.playbook));
  const asked = await assistant.call('run_playbook', {
    server: name,
    ...MEND,
    reason: 'The upload limit has a typo.',
  });
  assert.equal(asked.state, 'awaiting_approval');
  assert.equal(await siteStatus(hostNamed(name)), 0, 'nothing may happen before a human decides');
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
      const name = `web-${kind}`;
      const host = hostNamed(name);
      await healSite(host);
      await breakSite(host);
      await using assistant = await connectAssistant(kind, { url: world.url, token });
      const action = await investigateAndAsk(assistant, name);
      const { fingerprint } = await world.owner('getAction', { action });
      const card = await telegram.card(fingerprint);
      assert.match(card.text, new RegExp(name));
      assert.match(card.text, /client_max_body_size/);
      await telegram.tap(card.messageId, 'Approve');
      const done = await settled(assistant, action);
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      assert.equal(await siteStatus(host), 200);
      await everythingAgrees(action);
    },
  );
}

hostTest('when a site is down and a human approves in the browser, the assistant brings it back', async () => {
  const host = hostNamed('web-browser');
  await healSite(host);
  await breakSite(host);
  await using assistant = await connectAssistant('v2', { url: world.url, token });
  const action = await investigateAndAsk(assistant, 'web-browser');
  const browser = await openBrowser();
  try {
    const page = await signInAsOwner(browser, world);
    await page
      .getByRole('link', { name: /web-browser/ })
      .first()
      .click();
    await page.getByText('Assistant’s reason').or(page.getByText("Assistant's reason")).waitFor();
    await page.getByRole('button', { name: /Approve once/ }).click();
    const done = await settled(assistant, action);
    assert.equal(done.state, 'succeeded', JSON.stringify(done));
    assert.equal(await siteStatus(host), 200);
    await page.getByText('Succeeded').first().waitFor();
    await everythingAgrees(action);
  } finally {
    await browser.close();
  }
});
