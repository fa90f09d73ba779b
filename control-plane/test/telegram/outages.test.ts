import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ana, ben, twoTaps } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, until } from './telegram-world.ts';

/** Lets time go by in steps, with turns for the network, until something holds. Returns how much went by, milliseconds. */
async function passUntil(world: TelegramWorld, holds: () => boolean, what: string): Promise<number> {
  const start = world.clock.monotonic();
  await until(async () => {
    if (holds()) return true;
    await world.clock.pass(500);
    await world.settled();
    return holds();
  }, what);
  return world.clock.monotonic() - start;
}

test('F13: when Telegram is down, decisions go on elsewhere, and within 60 s of its return every copy has caught up', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(chat, 'Restart');
  world.twin.faults.outage(true);
  world.twin.faults.conflict(); // ends the poll that is held, as a lost connection would
  await until(() => !world.bot.now.state().ok, 'the outage shows');
  await world.answer(actionId, { person: ana, channel: 'web', strength: 'session' });
  const second = await world.ask({ unit: 'redis' });
  await world.clock.pass(10 * 60_000);
  assert.equal(await world.stateOf(actionId), 'approved');
  assert.equal(await world.bot.now.channel.canReach(second.actionId), false, 'nobody is reached there now');
  assert.match(world.bot.now.state().problem ?? '', /Telegram does not answer/);
  world.twin.faults.outage(false);
  const caughtUp = () => {
    if (!world.bot.now.state().ok) return false;
    const texts = world.twin.messages(chat).map(({ text }) => text);
    return (
      texts.some((text) => text.includes('Approved by Ana')) && texts.some((text) => text.includes('Restart redis'))
    );
  };
  const tookMs = await passUntil(world, caughtUp, 'the cards catch up');
  assert.ok(tookMs <= 60_000, `${tookMs} ms`);
  assert.deepEqual(world.bot.now.state(), { username: world.twin.bot.username, ok: true, problem: null });
});

test('when Telegram fails for a moment, it still counts as reachable', async (t) => {
  await using world = await telegramWorld(t);
  await world.link(ben);
  const { actionId } = await world.ask();
  world.twin.faults.outage(true);
  world.twin.faults.conflict();
  await until(() => !world.bot.now.state().ok, 'the outage shows');
  assert.equal(await world.bot.now.channel.canReach(actionId), true);
});

test('when Telegram asks to slow down, the chat waits as long as it says, and other chats do not', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  world.twin.faults.rateLimit('sendMessage', 7);
  await world.ask();
  const shown = () => [bens, anas].filter(({ chat }) => world.twin.messages(chat).length === 1).length;
  await until(() => shown() === 1, 'one of the two has the card');
  await world.settled(); // the bot has heard how long to wait
  await world.clock.pass(6_000);
  await world.settled();
  assert.equal(shown(), 1);
  await world.clock.pass(1_000);
  await until(() => shown() === 2, 'both have the card');
  assert.equal(world.twin.calls('sendMessage').length, 3);
});

test('when Telegram asks to slow down for a second, a command is answered all the same', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.faults.rateLimit('sendMessage', 1);
  world.twin.sendText(user, chat, '/whoami');
  await world.twin.waitForMessage(chat, 'You are Ben');
});

test('when Telegram answers 502 or drops the connection, cards are sent and edited later', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  world.twin.faults.serverError('sendMessage', 3);
  const { actionId } = await world.ask();
  await passUntil(world, () => world.twin.messages(chat).length === 1, 'the card comes');
  world.twin.faults.serverError('editMessageText', 2);
  await world.answer(actionId);
  await passUntil(world, () => world.newest(chat).text.includes('Approved by Ben'), 'the card is edited');
});

test('when the answer to an edit is lost, the edit is not made twice', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(chat, 'Restart');
  world.twin.faults.loseAnswer('editMessageText');
  await world.answer(actionId);
  await passUntil(world, () => world.twin.calls('editMessageText').length === 2, 'it is tried again');
  await world.settled();
  assert.equal(world.newest(chat).edits, 1, '"message is not modified" counts as done');
  await world.clock.pass(60_000);
  await world.settled();
  assert.equal(world.twin.calls('editMessageText').length, 2);
});

test('when the answer to a card is lost, it is sent again, and a tap on either copy counts once', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.faults.loseAnswer('sendMessage');
  const { actionId } = await world.ask();
  await passUntil(world, () => world.twin.messages(chat).length === 2, 'a second copy comes');
  const [orphan, kept] = world.twin.messages(chat);
  assert.equal((await world.twin.tap(user, chat, orphan?.messageId ?? 0, 'Approve')).text, 'Approved for web-1.');
  await world.settled();
  assert.equal(await world.stateOf(actionId), 'approved');
  const [first, second] = world.twin.messages(chat);
  assert.match(first?.text ?? '', /out of date/);
  assert.deepEqual(first?.buttons, []);
  assert.match(second?.text ?? '', /Approved by Ben/);
  assert.match((await world.twin.tap(user, chat, kept?.messageId ?? 0, 'Approve')).text, /already approved by Ben/);
});

test('when the program died before it noted the card that it sent, a tap makes that copy the kept one', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  const { messageId } = await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.settled();
  await world.db.deleteFrom('telegram_card').execute();
  await world.answer(actionId, { verdict: 'reject', person: ana });
  await world.settled();
  assert.match((await world.twin.tap(phone.user, phone.chat, messageId, 'Approve …')).text, /already rejected by Ana/);
  await world.clock.pass(15_000);
  await world.twin.waitForEdit(phone.chat, '❌ Rejected by Ana');
  assert.equal(world.twin.messages(phone.chat).length, 1);
});

test('when a person blocks the bot, others go on; when they come back, they get what waits', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  world.twin.faults.blockBot(bens.user);
  await until(() => world.twin.pendingUpdates() === 0, 'the bot knows');
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(anas.chat, 'Restart');
  world.twin.faults.blockBot(anas.user);
  await until(() => world.twin.pendingUpdates() === 0, 'the bot knows');
  await world.settled();
  assert.equal(await world.bot.now.channel.canReach(actionId), false);
  const before = world.twin.calls('sendMessage').length;
  await world.clock.pass(60_000);
  await world.settled();
  assert.equal(world.twin.calls('sendMessage').length, before, 'nobody is pestered');
  world.twin.pressDeepLink(bens.user, '');
  await world.twin.waitForMessage(bens.chat, 'Restart');
});

test('when a person deletes a card that waits, it is shown again; when it is decided, it is let go', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  const { messageId } = await world.twin.waitForMessage(chat, 'Restart');
  const remove = (message: number) =>
    fetch(`${world.twin.apiRoot}/bot${world.twin.token}/deleteMessage?chat_id=${chat.id}&message_id=${message}`);
  await remove(messageId);
  await world.db.updateTable('telegram_card').set({ shown_hash: '' }).execute();
  await world.clock.pass(15_000);
  const again = await world.twin.waitForMessage(chat, 'Restart', { after: messageId });
  await world.settled();
  await remove(again.messageId);
  await world.answer(actionId, { verdict: 'reject' });
  await world.settled();
  assert.deepEqual(world.twin.messages(chat), []);
  assert.deepEqual(await world.db.selectFrom('telegram_card').selectAll().execute(), []);
});

test('when another program polls with the same token, that is shown as the problem until it stops', async (t) => {
  await using world = await telegramWorld(t);
  world.twin.faults.conflict();
  await until(() => !world.bot.now.state().ok, 'the conflict shows');
  assert.match(world.bot.now.state().problem ?? '', /Another program takes the updates of this bot/);
  await until(async () => {
    await world.clock.pass(1_000);
    return world.bot.now.state().ok;
  }, 'it is over');
});

test('when the token is wrong, that is shown, and nothing else is disturbed', async (t) => {
  await using world = await telegramWorld(t, { started: false });
  world.twin.faults.refuse('getMe', 401, 'Unauthorized', 3);
  world.bot.now.start();
  await until(() => /refuses the bot's token/.test(world.bot.now.state().problem ?? ''), 'the problem shows');
  await world.link(ben);
  const { actionId } = await world.ask();
  assert.equal(await world.bot.now.channel.canReach(actionId), false);
  await passUntil(world, () => world.bot.now.state().ok, 'a mended token is taken up');
});

test('when cards and progress wait at once, new requests are sent first', async (t) => {
  await using world = await telegramWorld(t);
  const { chat } = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(chat, 'Restart');
  await world.settled();
  world.twin.faults.rateLimit('editMessageText', 30);
  await world.answer(actionId);
  await until(() => world.twin.calls('editMessageText').length === 1, 'the edit is refused for now');
  await world.settled();
  await world.ask({ unit: 'redis' });
  await world.settled();
  await world.clock.pass(30_000);
  await until(() => world.twin.messages(chat).length === 2 && world.twin.messages(chat)[0]?.edits === 1, 'all is sent');
  const order = world.twin
    .calls()
    .map(({ method }) => method)
    .filter((method) => /sendMessage|editMessageText/.test(method));
  assert.deepEqual(order, ['sendMessage', 'editMessageText', 'sendMessage', 'editMessageText']);
});
