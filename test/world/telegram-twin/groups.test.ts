import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrammyError } from 'grammy';
import { startBot } from './start-bot.ts';
import { startTelegramTwin } from './start-telegram-twin.ts';

async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail('the call was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GrammyError, String(error));
  return error.description;
}

test('when a group is a forum, messages go into its topics', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const ada = twin.addUser({ firstName: 'Ada' });
  const group = twin.addGroup({ title: 'Ops', administrators: [ada], bot: 'administrator', topics: ['Deploys'] });
  const deploys = twin.topics(group).get('Deploys') ?? 0;
  const sent = await api.sendMessage(group.id, 'in a topic', { message_thread_id: deploys });
  assert.equal(sent.is_topic_message, true);
  assert.equal(sent.message_thread_id, deploys);
  assert.equal(sent.reply_to_message?.forum_topic_created?.name, 'Deploys');
  const topic = await api.createForumTopic(group.id, 'Incident 7');
  assert.equal(topic.icon_color, 0x6fb9f0);
  await api.sendMessage(group.id, 'in the new one', { message_thread_id: topic.message_thread_id });
  assert.equal((await twin.waitForMessage(group, 'in the new one')).threadId, topic.message_thread_id);
  assert.equal(
    await refusal(api.sendMessage(group.id, 'x', { message_thread_id: 1 })),
    'Bad Request: message thread not found',
  );
  assert.equal(await refusal(api.createForumTopic(group.id, ' ')), 'Bad Request: title must be non-empty');
  const chat = await api.getChat(group.id);
  assert.equal(chat.is_forum, true);
});

test('when a group has no topics or the bot has no rights, no topic can be made', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const plain = twin.addGroup({ title: 'Ops' });
  const forum = twin.addGroup({ title: 'Forum', topics: [] });
  assert.equal(await refusal(running.bot.api.createForumTopic(plain.id, 'x')), 'Bad Request: chat is not a forum');
  assert.equal(
    await refusal(running.bot.api.createForumTopic(forum.id, 'x')),
    'Bad Request: not enough rights to create a topic',
  );
});

test('when privacy is on, a plain member gets commands, mentions and answers only', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const ada = twin.addUser({ firstName: 'Ada' });
  const group = twin.addGroup({ title: 'Ops', members: [ada] });
  const card = await api.sendMessage(group.id, 'a card');
  twin.sendText(ada, group, 'small talk');
  twin.sendText(ada, group, '/status');
  twin.sendText(ada, group, '/status@another_bot');
  twin.sendText(ada, group, `look, @${twin.bot.username}`);
  twin.sendText(ada, group, 'an answer', { replyTo: card.message_id });
  const texts = async () =>
    (await api.getUpdates()).map((update) => update.message?.text).filter((text) => text !== undefined);
  assert.deepEqual(await texts(), ['/status', `look, @${twin.bot.username}`, 'an answer']);
  twin.setBotStatus(ada, group, 'administrator');
  twin.sendText(ada, group, 'more small talk');
  assert.equal((await texts()).at(-1), 'more small talk');
});

test('when anonymous administrators, channels, forwards and bots write, the updates show who they are', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const ada = twin.addUser({ firstName: 'Ada' });
  const robot = twin.addUser({ firstName: 'Robot', username: 'robot_bot', isBot: true });
  const group = twin.addGroup({ title: 'Ops', administrators: [ada], members: [robot], bot: 'administrator' });
  const channel = twin.addChannel({ title: 'News' });
  await api.getUpdates({ offset: -1 });
  twin.sendText(ada, group, '/status', { as: 'anonymous_admin' });
  twin.sendText(ada, group, '/status', { as: channel });
  twin.sendText(robot, group, '/status');
  twin.forwardText(ada, group, { type: 'user', user: robot }, '/status');
  twin.forwardText(ada, group, { type: 'hidden_user', name: 'Somebody' }, '/status');
  twin.postAndDiscuss(channel, group, 'a post');
  const updates = (await api.getUpdates({ offset: -7 })).filter((update) => !update.my_chat_member);
  const messages = updates.map((update) => update.message);
  assert.equal(messages[0]?.from?.id, 1087968824);
  assert.equal(messages[0]?.sender_chat?.id, group.id);
  assert.equal(messages[1]?.sender_chat?.type, 'channel');
  assert.equal(messages[1]?.from?.username, 'Channel_Bot');
  assert.equal(messages[2]?.from?.is_bot, true);
  assert.equal(messages[3]?.forward_origin?.type, 'user');
  assert.equal(messages[4]?.forward_origin?.type, 'hidden_user');
  assert.equal(updates[5]?.channel_post?.text, 'a post');
  assert.equal(updates[5]?.channel_post?.from, undefined);
  assert.equal(messages[6]?.is_automatic_forward, true);
  assert.equal(messages[6]?.from?.id, 777000);
});

test('when a tap is forged, the bot gets it as sent', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  running.bot.on('callback_query', (context) =>
    context.answerCallbackQuery(`${context.inlineMessageId ?? context.msg?.date}`),
  );
  running.start();
  const mallory = twin.addUser({ firstName: 'Mallory' });
  const ada = twin.addUser({ firstName: 'Ada' });
  const chat = twin.openPrivateChat(ada);
  const inline = await twin.tapForged(mallory, { data: 'v1:approve', inlineMessageId: 'abc' });
  assert.equal(inline.text, 'abc');
  const unseen = await twin.tapForged(mallory, { data: 'v1:approve', chat, messageId: 4711 });
  assert.equal(unseen.text, '0', 'a message that cannot be read has the date 0');
  await assert.rejects(twin.tap(mallory, chat, 1, 'x'), /Mallory is not in the chat "Ada"/);
  const byAdmin = await twin.tapForged(twin.anonymousAdmin, { data: 'v1:approve', chat });
  assert.equal(byAdmin.text, '0');
});

test('when the bot may not write to a chat, the refusal says why', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const ada = twin.addUser({ firstName: 'Ada' });
  const stranger = twin.addUser({ firstName: 'Eve' });
  const robot = twin.addUser({ firstName: 'Robot', isBot: true });
  const group = twin.addGroup({ title: 'Ops', members: [ada] });
  const channel = twin.addChannel({ title: 'News', bot: 'member' });
  assert.equal(await refusal(api.sendMessage(stranger.id, 'x')), 'Bad Request: chat not found');
  assert.equal(await refusal(api.sendMessage(ada.id, 'x')), "Forbidden: bot can't initiate conversation with a user");
  assert.equal(await refusal(api.sendMessage(robot.id, 'x')), "Forbidden: bot can't send messages to bots");
  assert.equal(
    await refusal(api.sendMessage(channel.id, 'x')),
    'Bad Request: need administrator rights in the channel chat',
  );
  twin.setBotStatus(ada, group, 'kicked');
  assert.equal(await refusal(api.sendMessage(group.id, 'x')), 'Forbidden: bot was kicked from the supergroup chat');
  twin.setBotStatus(ada, group, 'left');
  assert.equal(await refusal(api.sendMessage(group.id, 'x')), 'Forbidden: bot is not a member of the supergroup chat');
});

test('when somebody is looked up in a chat, the status is theirs there', async () => {
  await using twin = await startTelegramTwin();
  await using running = startBot(twin);
  const { api } = running.bot;
  const ada = twin.addUser({ firstName: 'Ada' });
  const eve = twin.addUser({ firstName: 'Eve' });
  const group = twin.addGroup({ title: 'Ops', administrators: [ada] });
  assert.equal((await api.getChatMember(group.id, ada.id)).status, 'administrator');
  assert.equal((await api.getChatMember(group.id, eve.id)).status, 'left');
  assert.equal(await refusal(api.getChatMember(group.id, 1)), 'Bad Request: user not found');
  assert.equal(await refusal(api.getChatMember(group.id, 0)), 'Bad Request: invalid user_id specified');
});
