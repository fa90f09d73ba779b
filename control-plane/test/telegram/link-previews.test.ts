/** The whole control plane, the bot and an agent over real sockets; and what fetches a link although nobody decided anything. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PlanDraft } from '@countersign/protocol';
import { simulatedAgent } from '../../../test/load/simulated-agent.ts';
import { eventually } from '../../../test/world/eventually.ts';
import { makePasskey } from '../../../test/world/software-passkey.ts';
import { startTelegramTwin } from '../../../test/world/telegram-twin/start-telegram-twin.ts';
import { makeSetupSecret } from '../../src/access/set-up.ts';
import { previewOf } from '../actions/small-fleet.ts';
import { product } from '../http/product.ts';
import { raw } from '../http/raw.ts';

const publicUrl = 'https://cp.example.org';

/** The product behind a proxy, an owner with a linked Telegram account, and a server. */
async function linked(context: TestContext) {
  const twin = await startTelegramTwin();
  context.after(() => twin[Symbol.asyncDispose]());
  const made = await product(context, {
    COUNTERSIGN_URL: publicUrl,
    COUNTERSIGN_BEHIND_PROXY: '1',
    TELEGRAM_BOT_TOKEN: twin.token,
    TELEGRAM_API_ROOT: twin.apiRoot,
  });
  await eventually('the bot', async () => made.running.telegram?.state().ok || undefined);
  const user = twin.addUser({ firstName: 'Ada' });
  const { url } = await made.owner('startTelegramLink', { password: made.password });
  const chat = twin.pressDeepLink(user, new URL(url).searchParams.get('start') ?? '');
  await twin.waitForMessage(chat, 'Almost linked');
  await made.owner('confirmTelegramLink', { telegram_id: String(user.id) });
  return { ...made, twin, user, chat };
}

type Linked = Awaited<ReturnType<typeof linked>>;

async function server(context: TestContext, { owner, url }: Linked, dispatched: unknown[]) {
  const { enrolment_token: token } = await owner('addServer', { name: 'web-1' });
  const onPreview = (draft: PlanDraft) => previewOf(draft);
  const agent = simulatedAgent({
    ...{ url, token, onPreview, policy: { commands: true } },
    onDispatch: (grant) => void dispatched.push(grant),
  });
  await agent.connect();
  context.after(() => agent.close());
}

const visitors: readonly [who: string, method: string, headers: Record<string, string>][] = [
  ['TelegramBot', 'GET', { 'user-agent': 'TelegramBot (like TwitterBot)' }],
  [
    'Slackbot',
    'GET',
    { 'user-agent': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', range: 'bytes=0-32768' },
  ],
  ['Discordbot', 'GET', { 'user-agent': 'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)' }],
  ['a mail scanner', 'HEAD', { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0) SafeLinks' }],
  ['a mail scanner that reads', 'GET', { 'user-agent': 'Barracuda Sentinel (EE)' }],
  ['a prefetch', 'GET', { 'sec-purpose': 'prefetch', purpose: 'prefetch', 'x-moz': 'prefetch' }],
  [
    'a prerender',
    'GET',
    { 'sec-purpose': 'prefetch;prerender', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ],
  ['a scanner that asks first', 'OPTIONS', { 'user-agent': 'curl/8.7' }],
];

test('T5: when previews, scanners and browsers fetch the address of a card, with a session or without, nothing is decided', async (context) => {
  const world = await linked(context);
  const dispatched: unknown[] = [];
  await server(context, world, dispatched);
  const { secret } = await world.owner('createToken', { name: 'laptop', scope: 'request' });
  const asked = await world.as(secret)('runCommand', {
    server: 'web-1',
    argv: ['/usr/bin/touch', '/tmp/x'],
    timeout_s: 60,
  });
  const id = asked.action?.id ?? assert.fail('nothing was asked');
  const card = await world.twin.waitForMessage(world.chat, 'A tap is not enough for this');
  const address = card.buttons.flat().find(({ text }) => text === 'Open to approve')?.url ?? assert.fail(card.text);
  assert.equal(address, `${publicUrl}/actions/${id}`);
  const port = Number(new URL(world.url).port);
  const before = { action: await world.owner('getAction', { action: id }), audit: await heads(world) };
  for (const [who, method, headers] of visitors) {
    for (const credential of [{}, { authorization: `Bearer ${world.ada}` }])
      for (const query of ['', '?verdict=approve&confirm=1', '/approve', '?_method=POST']) {
        const path = new URL(address).pathname + query;
        const answer = await raw({ port }, method, path, { host: 'cp.example.org', ...headers, ...credential });
        assert.ok(answer.status < 500, `${who}: ${answer.status}`);
        assert.ok(!answer.text.includes('touch'), `${who} reads nothing of the request`);
        assert.equal(answer.headers['set-cookie'], undefined);
      }
    const api = await raw({ port }, method, `/api/v1/actions/${id}/approve`, {
      ...{ host: 'cp.example.org', authorization: `Bearer ${world.ada}` },
      ...headers,
    });
    assert.ok(api.status === 404 || api.status === 405 || method === 'OPTIONS', `${who}: ${api.status}`);
  }
  assert.deepEqual(await world.owner('getAction', { action: id }), before.action);
  assert.deepEqual(await heads(world), before.audit);
  assert.deepEqual(dispatched, []);
  assert.deepEqual(world.twin.message(world.chat, card.messageId)?.edits, card.edits);
});

/** Every decision, and every refusal of one, is an entry of the log. */
async function heads({ running }: Linked): Promise<string[]> {
  const rows = await running.core.db
    .selectFrom('audit_entry')
    .select('event')
    .where('action_id', 'is not', null)
    .execute();
  return rows.map(({ event }) => event);
}

test('T4: when a passkey is added, and when somebody recovers an account, the people concerned hear of it in Telegram', async (context) => {
  const world = await linked(context);
  const site = { rpId: 'cp.example.org', origin: publicUrl };
  const proof = { kind: 'password', password: world.password } as const;
  const { options } = await world.owner('startPasskey', { proof });
  await world.owner('addPasskey', { name: 'phone', response: makePasskey(site).register(options) });
  const { secret } = await makeSetupSecret(world.running.access);
  const recovered = { secret, email: 'ada@example.org', name: 'Ada', password: 'another horse battery', cli: true };
  await world.as()('setUp', recovered);
  await world.twin.waitForMessage(world.chat, 'Your account has a new passkey', { timeoutMs: 30_000 });
  await world.twin.waitForMessage(world.chat, 'Ada is an owner by a recovery link', { timeoutMs: 30_000 });
});
