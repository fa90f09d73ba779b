import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ana, ben } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, until } from './telegram-world.ts';

async function cardFor(world: TelegramWorld) {
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const card = await world.twin.waitForMessage(phone.chat, 'Restart');
  const data = card.buttons.flat().find(({ text }) => text === 'Approve')?.callback_data ?? '';
  return { phone, actionId, card, data };
}

const refusals = (world: TelegramWorld) =>
  world.db.selectFrom('audit_entry').select('body').where('event', '=', 'approval.refused').execute();

async function assertNothingDecided(world: TelegramWorld, actionId: string): Promise<void> {
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  assert.deepEqual(await world.db.selectFrom('approval').selectAll().execute(), []);
}

test('when a stranger sends the tap of a card, it is refused politely, audited, and decides nothing', async (t) => {
  await using world = await telegramWorld(t);
  const { actionId, data } = await cardFor(world);
  const stranger = world.twin.addUser({ firstName: 'Mallory' });
  const chat = world.twin.openPrivateChat(stranger);
  const bots = world.twin.sendText(stranger, chat, '/help');
  await world.twin.waitForMessage(chat, 'not linked');
  const messageId = bots + 1;
  const answer = await world.twin.tapForged(stranger, { data, chat, messageId });
  assert.match(answer.text, /not linked to a person who works here/);
  assert.ok(answer.showAlert);
  await assertNothingDecided(world, actionId);
  const refused = await world.lastDetails('approval.refused');
  assert.equal(refused?.who.by, 'stranger');
  assert.equal(refused?.details.telegram_id, String(stranger.id));
  assert.equal(refused?.details.verdict, 'approve');
});

test('when a stranger taps again and again, the audit log grows by three entries a minute at most', async (t) => {
  await using world = await telegramWorld(t);
  const { data } = await cardFor(world);
  const stranger = world.twin.addUser({ firstName: 'Mallory' });
  const chat = world.twin.openPrivateChat(stranger);
  world.twin.sendText(stranger, chat, '/start');
  const { messageId } = await world.twin.waitForMessage(chat, 'not linked');
  for (let n = 0; n < 10; n += 1) await world.twin.tapForged(stranger, { data, chat, messageId });
  assert.equal((await refusals(world)).length, 3);
  await world.clock.pass(60_000);
  await world.twin.tapForged(stranger, { data, chat, messageId });
  assert.equal((await refusals(world)).length, 4);
});

test('when a linked approver taps in a group, from an inline message, on a foreign or a forwarded copy, it counts for nothing', async (t) => {
  await using world = await telegramWorld(t);
  const { phone, actionId, data, card } = await cardFor(world);
  const { user, chat } = phone;
  const group = world.twin.addGroup({ title: 'Ops', members: [user], bot: 'administrator' });
  const own = world.twin.sendText(user, chat, 'my own words');
  const forwarded = world.twin.forwardText(user, chat, { type: 'user', user: world.twin.bot }, card.text);
  for (const [forged, words] of [
    [{ data, chat: group, messageId: 2 }, /your own private chat/],
    [{ data, inlineMessageId: 'x1' }, /private chat with this bot/],
    [{ data, chat, messageId: own }, /not ours/],
    [{ data, chat, messageId: forwarded }, /forwarded copy/],
    [{ data, chat, messageId: 99_999 }, /too old/],
  ] as const) {
    assert.match((await world.twin.tapForged(user, forged)).text, words);
    await assertNothingDecided(world, actionId);
  }
  assert.equal((await refusals(world)).length, 3);
});

test('when an approver taps in the private chat of somebody else, it counts for nothing', async (t) => {
  await using world = await telegramWorld(t);
  const { actionId, data, card, phone } = await cardFor(world);
  const other = world.twin.addUser({ firstName: 'Eve' });
  const answer = await world.twin.tapForged(other, { data, chat: phone.chat, messageId: card.messageId });
  assert.match(answer.text, /your own private chat/);
  await assertNothingDecided(world, actionId);
});

test('T5: when an anonymous administrator, a channel, Telegram itself or a bot taps, it counts for nothing', async (t) => {
  await using world = await telegramWorld(t);
  const { phone, actionId, data, card } = await cardFor(world);
  const robot = world.twin.addUser({ firstName: 'Robot', isBot: true });
  const telegram = world.twin.addUser({ firstName: 'Telegram', id: 777_000 });
  const channelBot = world.twin.addUser({ firstName: 'Channel', id: 136_817_688, isBot: true });
  // Even an account that somehow came to be linked.
  await world.db
    .insertInto('telegram_link')
    .values({ person_id: ana.id, telegram_id: '777000', telegram_name: 'Telegram', state: 'linked', at: 0 })
    .execute();
  for (const user of [world.twin.anonymousAdmin, channelBot, telegram, robot]) {
    const answer = await world.twin.tapForged(user, { data, chat: phone.chat, messageId: card.messageId });
    assert.match(answer.text, /Nobody can tell who taps here|Bots cannot decide/);
  }
  await assertNothingDecided(world, actionId);
  assert.equal((await refusals(world)).length, 4);
});

test('when a button carries a foreign digest, an unknown action or nonsense, nothing is decided', async (t) => {
  await using world = await telegramWorld(t);
  const { phone, actionId, data, card } = await cardFor(world);
  const tapped = (forged: string) =>
    world.twin.tapForged(phone.user, { data: forged, chat: phone.chat, messageId: card.messageId });
  const other = data.endsWith('00000000') ? '11111111' : '00000000';
  assert.match((await tapped(data.slice(0, -8) + other)).text, /not the plan of action/);
  assert.match((await tapped(data.replace(/:[0-9a-z]{12}:/, ':000000000000:'))).text, /There is no action/);
  for (const nonsense of ['', 'v1:approve', `v2${data.slice(2)}`, `${data}0`, 'v1:unlink:maybe'])
    assert.match((await tapped(nonsense)).text, /not known any more/);
  await assertNothingDecided(world, actionId);
});

test('when somebody who is linked to nobody writes, they learn how to pair and nothing else', async (t) => {
  await using world = await telegramWorld(t);
  const stranger = world.twin.addUser({ firstName: 'Mallory' });
  const chat = world.twin.openPrivateChat(stranger);
  for (const text of ['/status', '/servers', '/pending', '/whoami', '/unlink', '/help', 'hello'])
    world.twin.sendText(stranger, chat, text);
  await until(() => world.twin.pendingUpdates() === 0, 'all updates are taken');
  await world.settled();
  const answers = world.twin.messages(chat).filter(({ byBot }) => byBot);
  assert.equal(answers.length, 5, 'five answers a minute at most');
  for (const { text } of answers) {
    assert.match(text, /not linked to anybody/);
    assert.ok(!/web-1|nginx|127\.0\.0\.1|localhost/.test(text));
  }
  assert.equal((await world.lastDetails('telegram.refused'))?.details.command, '/pending', 'three are noted a minute');
});

test('when a bot, a channel or an anonymous administrator writes, it is ignored; a group is told to use a private chat', async (t) => {
  await using world = await telegramWorld(t);
  const { user } = await world.link(ben);
  const group = world.twin.addGroup({ title: 'Ops', members: [user], administrators: [user], bot: 'administrator' });
  world.twin.sendText(user, group, '/status', { as: 'anonymous_admin' });
  world.twin.sendText(user, group, '/pending@countersign_twin_bot');
  world.twin.sendText(user, group, '/pending@another_bot');
  world.twin.sendText(user, group, 'just talk');
  await until(() => world.twin.pendingUpdates() === 0, 'all updates are taken');
  await world.settled();
  const answers = world.twin.messages(group).filter(({ byBot }) => byBot);
  assert.deepEqual(
    answers.map(({ text }) => text),
    ['I work in private chats only. Write to me there.', 'I work in private chats only. Write to me there.'],
  );
});

test('when a linked person forwards a command to the bot, it is not carried out', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.forwardText(user, chat, { type: 'hidden_user', name: 'Somebody' }, '/unlink');
  world.twin.sendText(user, chat, '/whoami');
  await world.twin.waitForMessage(chat, 'You are Ben');
  assert.equal(world.twin.messages(chat).filter(({ byBot }) => byBot).length, 1);
});
