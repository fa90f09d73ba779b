import assert from 'node:assert/strict';
import { test } from 'node:test';
import { write } from '../../src/storage/write.ts';
import { ben, twoTaps } from '../actions/heart.ts';
import { telegramWorld, until } from './telegram-world.ts';

test('when updates come twice, each is handled once', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.faults.duplicateUpdates(2);
  world.twin.sendText(user, chat, '/whoami');
  world.twin.sendText(user, chat, '/whoami');
  await until(() => world.twin.pendingUpdates() === 0, 'all updates are confirmed');
  await world.settled();
  assert.equal(world.twin.messages(chat).filter(({ byBot }) => byBot).length, 2);
  const { count } = await world.db
    .selectFrom('telegram_update')
    .select((all) => all.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  assert.equal(Number(count), 2);
});

test('when a tap comes twice, one decision is made and the second one is not even looked at', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(phone.chat, 'Restart');
  world.twin.faults.duplicateUpdates(1);
  await world.twin.tap(phone.user, phone.chat, messageId, 'Approve');
  await until(() => world.twin.pendingUpdates() === 0, 'all updates are confirmed');
  await world.settled();
  assert.equal(await world.stateOf(actionId), 'approved');
  assert.ok(!(await world.events(actionId)).includes('approval.refused'));
});

test('when the second tap overtakes the first, it counts for nothing', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const { user, chat } = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  const card = await world.twin.waitForMessage(chat, 'Restart');
  const first = card.buttons.flat().find(({ text }) => text === 'Approve …')?.callback_data ?? '';
  world.twin.faults.reorderUpdates(2);
  const answers = await Promise.all([
    world.twin.tap(user, chat, card.messageId, 'Approve …'),
    world.twin.tapForged(user, { data: first.replace('approve', 'approve_sure'), chat, messageId: card.messageId }),
  ]);
  assert.match(answers[0].text, /tap once more/);
  assert.match(answers[1].text, /took too long/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
});

test('when the program dies between taking an update and confirming it, the next run does not handle it again', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.sendText(user, chat, '/whoami');
  await world.twin.waitForMessage(chat, 'You are Ben');
  await world.bot.restart();
  assert.ok(world.twin.pendingUpdates() <= 1);
  world.twin.sendText(user, chat, '/help');
  await world.twin.waitForMessage(chat, 'Requests for changes arrive here');
  assert.equal(world.twin.messages(chat).filter(({ text }) => text.includes('You are Ben')).length, 1);
});

test('when an update cannot be noted because the store is busy, it comes again and is handled then', async (t) => {
  await using world = await telegramWorld(t, { mayFail: true });
  const { user, chat } = await world.link(ben);
  await world.db.schema.alterTable('telegram_update').renameTo('elsewhere').execute();
  world.twin.sendText(user, chat, '/whoami');
  await until(() => world.bot.now.state().problem !== null, 'the trouble shows');
  await world.db.schema.alterTable('elsewhere').renameTo('telegram_update').execute();
  await until(async () => {
    await world.clock.pass(1_000);
    return world.twin.messages(chat).some(({ text }) => text.includes('You are Ben'));
  }, 'the command is answered');
  assert.equal(world.bot.now.state().ok, true);
});

test('when updates are older than a week, they are forgotten', async (t) => {
  await using world = await telegramWorld(t);
  await write(world.db, (trx) => trx.insertInto('telegram_update').values({ update_id: 1, at: 0 }).execute());
  await world.clock.pass(15_000);
  await until(
    async () => (await world.db.selectFrom('telegram_update').selectAll().execute()).length === 0,
    'the old update is gone',
  );
});

test('when a webhook takes the updates away, the bot ends it and polls', async (t) => {
  await using world = await telegramWorld(t, { started: false });
  await fetch(`${world.twin.apiRoot}/bot${world.twin.token}/setWebhook?url=https://old.example.org/hook`);
  world.bot.now.start();
  await until(() => world.bot.now.state().ok, 'the bot is connected');
  const { user, chat } = await world.link(ben);
  world.twin.sendText(user, chat, '/whoami');
  await world.twin.waitForMessage(chat, 'You are Ben');
});
