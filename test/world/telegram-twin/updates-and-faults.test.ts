import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { GrammyError, HttpError } from 'grammy';
import { startBot } from './start-bot.ts';
import { startTelegramTwin } from './start-telegram-twin.ts';

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail('the call was not refused'),
    (error: unknown) => error,
  );
}

test('when nothing is new, a long poll is held until something comes', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  const held = api.getUpdates({ timeout: 30 });
  assert.deepEqual(await api.getChat(chat.id).then((found) => found.first_name), 'Ada', 'other calls go on meanwhile');
  twin.sendText(user, chat, 'hello');
  const [update] = await held;
  assert.equal(update?.message?.text, 'hello');
  const again = await api.getUpdates();
  assert.deepEqual(again, [update], 'what was not confirmed comes again');
  assert.deepEqual(await api.getUpdates({ offset: (update?.update_id ?? 0) + 1 }), []);
  assert.equal(twin.pendingUpdates(), 0);
  assert.deepEqual(await api.getUpdates({ timeout: 1, offset: -1 }), [], 'a hold ends when its time is over');
});

test('when the offset is negative or the limit small, only these updates come', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  for (const text of ['one', 'two', 'three', 'four']) twin.sendText(user, chat, text);
  const texts = async (offset: number, limit: number) =>
    (await api.getUpdates({ offset, limit })).map((update) => update.message?.text);
  assert.deepEqual(await texts(0, 2), ['one', 'two']);
  assert.deepEqual(await texts(-2, 100), ['three', 'four']);
  assert.deepEqual(await texts(0, 100), ['three', 'four'], 'a negative offset forgets what came before');
});

test('when the bot asks for some kinds of updates, the others are not queued', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  await api.getUpdates({ allowed_updates: ['callback_query'] });
  twin.sendText(user, chat, 'hello');
  assert.deepEqual(await api.getUpdates(), []);
  assert.deepEqual((await api.getWebhookInfo()).allowed_updates, ['callback_query']);
  await api.getUpdates({ allowed_updates: [] });
  twin.sendText(user, chat, 'hello again');
  assert.equal((await api.getUpdates()).length, 1);
});

test('when a second poller comes, the first gets 409 and grammY stops', async () => {
  await using twin = await startTelegramTwin();
  await using first = startBot(twin);
  const firstEnd = errorOf(first.start());
  await twin.waitForCall('deleteWebhook');
  await using second = startBot(twin);
  second.start();
  const error = await firstEnd;
  assert.ok(error instanceof GrammyError);
  assert.equal(error.error_code, 409);
  assert.equal(
    error.description,
    'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  );
});

test('when a conflict is planned, the poll under way gets 409', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const end = errorOf(running.start());
  await twin.waitForCall('deleteWebhook');
  twin.faults.conflict();
  assert.equal(((await end) as GrammyError).error_code, 409);
});

test('when a call is rate limited, it gets 429 with retry_after and nothing is done', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const chat = twin.openPrivateChat(twin.addUser({ firstName: 'Ada' }));
  twin.faults.rateLimit('sendMessage', 7, 2);
  const error = (await errorOf(running.bot.api.sendMessage(chat.id, 'x'))) as GrammyError;
  assert.equal(error.error_code, 429);
  assert.equal(error.description, 'Too Many Requests: retry after 7');
  assert.deepEqual(error.parameters, { retry_after: 7 });
  await errorOf(running.bot.api.sendMessage(chat.id, 'x'));
  assert.deepEqual(twin.messages(chat), []);
  await running.bot.api.sendMessage(chat.id, 'x');
  assert.equal(twin.messages(chat).length, 1);
  assert.deepEqual(
    twin.calls('sendMessage').map((call) => call.status),
    [429, 429, 200],
  );
  assert.deepEqual(twin.calls('sendMessage')[0]?.parameters, { chat_id: chat.id, text: 'x' });
});

test('when an answer is lost, the work is done though the client sees a network error', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const chat = twin.openPrivateChat(twin.addUser({ firstName: 'Ada' }));
  twin.faults.loseAnswer('sendMessage');
  assert.ok((await errorOf(running.bot.api.sendMessage(chat.id, 'once'))) instanceof HttpError);
  assert.equal(twin.messages(chat).length, 1);
  assert.equal(twin.calls('sendMessage')[0]?.status, 0);
});

test('when the server fails or is down, nothing is done', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const chat = twin.openPrivateChat(twin.addUser({ firstName: 'Ada' }));
  twin.faults.serverError('*');
  assert.equal(((await errorOf(running.bot.api.sendMessage(chat.id, 'x'))) as GrammyError).error_code, 502);
  twin.faults.outage(true);
  assert.ok((await errorOf(running.bot.api.sendMessage(chat.id, 'x'))) instanceof HttpError);
  twin.faults.outage(false);
  assert.deepEqual(twin.messages(chat), []);
  await running.bot.api.sendMessage(chat.id, 'x');
  assert.equal(twin.messages(chat).length, 1);
});

test('when a person blocks the bot, sending gets 403 and the bot is told', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  twin.faults.blockBot(user);
  const error = (await errorOf(api.sendMessage(chat.id, 'x'))) as GrammyError;
  assert.equal(error.error_code, 403);
  assert.equal(error.description, 'Forbidden: bot was blocked by the user');
  const [update] = await api.getUpdates();
  assert.equal(update?.my_chat_member?.new_chat_member.status, 'kicked');
  assert.throws(() => twin.sendText(user, chat, 'hello'), /Ada has blocked the bot/);
  twin.pressDeepLink(user, '');
  const after = await api.getUpdates({ offset: -2 });
  assert.equal(after[0]?.my_chat_member?.new_chat_member.status, 'member', 'START ends the block');
  assert.equal(after[1]?.message?.text, '/start');
  await api.sendMessage(chat.id, 'x');
});

test('when updates are duplicated, the bot gets them again after it confirmed them', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const seen: [number, string | undefined][] = [];
  running.bot.on('message', (context) => {
    seen.push([context.update.update_id, context.message.text]);
    return context.reply(`seen ${seen.length}`);
  });
  running.start();
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  twin.faults.duplicateUpdates(1);
  twin.sendText(user, chat, 'hello');
  await twin.waitForMessage(chat, 'seen 2');
  assert.deepEqual(seen[0], seen[1]);
});

test('when updates are reordered, the newest comes first and none is lost', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  twin.faults.reorderUpdates(2);
  const held = running.bot.api.getUpdates({ timeout: 30 });
  twin.sendText(user, chat, 'one');
  twin.sendText(user, chat, 'two');
  const updates = await held;
  assert.deepEqual(
    updates.map((update) => update.message?.text),
    ['two', 'one'],
  );
  assert.ok((updates[0]?.update_id ?? 0) > (updates[1]?.update_id ?? 0));
});

test('when a webhook is set, updates are posted there, and polling gets 409', async () => {
  const received: { secret: unknown; text: unknown }[] = [];
  const hook = createServer(async (request, response) => {
    const chunks: Buffer[] = await request.toArray();
    const update = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    received.push({ secret: request.headers['x-telegram-bot-api-secret-token'], text: update.message?.text });
    response.end();
    hook.emit('update');
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
  await api.setWebhook(url, { secret_token: 'sesame' });
  const user = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(user);
  const arrived = once(hook, 'update');
  twin.sendText(user, chat, 'hello');
  await arrived;
  assert.deepEqual(received, [{ secret: 'sesame', text: 'hello' }]);
  assert.equal((await api.getWebhookInfo()).url, url);
  const error = (await errorOf(api.getUpdates())) as GrammyError;
  assert.equal(
    error.description,
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  );
  await api.deleteWebhook();
  assert.equal((await api.getWebhookInfo()).url, '');
  hook.closeAllConnections();
  hook.close();
});
