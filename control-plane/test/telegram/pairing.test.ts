import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemIds } from '@countersign/protocol/system-ids';
import { quickPasswords } from '../../../test/world/quick-passwords.ts';
import { attempts } from '../../src/access/attempts.ts';
import { passwords } from '../../src/access/passwords.ts';
import { removePerson } from '../../src/access/remove-person.ts';
import type { CallContext } from '../../src/operations/handler.ts';
import { telegramOperations } from '../../src/operations/telegram-operations.ts';
import { ana, ben, hasCode } from '../actions/heart.ts';
import { type TelegramWorldOptions, telegramWorld, until } from './telegram-world.ts';

const context: CallContext = { signal: new AbortController().signal, ip: '127.0.0.1', userAgent: null };
const password = 'correct horse battery staple';

async function pairingWorld(t: TestContext, options: TelegramWorldOptions = {}) {
  const world = await telegramWorld(t, options);
  const kept = passwords(systemIds, quickPasswords);
  const password_hash = await kept.hash(password);
  await world.db.updateTable('person').set({ password_hash }).execute();
  const access = {
    ...world.deps,
    sealKey: Buffer.alloc(32),
    attempts: attempts(world.clock),
    passwords: kept,
    accessEnded: () => undefined,
  };
  const operations = telegramOperations({ ...access, telegram: world.bot.now });
  const bens = world.atDashboard(ben, 'approver');
  const anas = world.atDashboard(ana, 'owner');
  const link = async (caller = bens) => (await operations.getTelegram(caller, {}, context)).link;
  const begin = (caller = bens) => operations.startTelegramLink(caller, { password }, context);
  const confirm = (telegram_id: string, caller = bens) =>
    operations.confirmTelegramLink(caller, { telegram_id }, context);
  return { ...world, access, operations, bens, anas, linkState: link, begin, confirm };
}

test('when a person opens the deep link and confirms the account in the dashboard, its taps count from then on', async (t) => {
  await using world = await pairingWorld(t);
  assert.deepEqual(await world.linkState(), { state: 'none', telegram: null, since: null });
  const { url, code, expires_at } = await world.begin();
  assert.equal(url, `https://t.me/${world.twin.bot.username}?start=${code}`);
  assert.equal(expires_at, '2026-11-20T02:18:00.000Z');
  assert.equal((await world.linkState()).state, 'waiting');
  const user = world.twin.addUser({ firstName: 'Ben', lastName: 'B\u202eoss', username: 'ben_b' });
  const chat = world.twin.pressDeepLink(user, code);
  const greeting = await world.twin.waitForMessage(chat, 'Almost linked');
  assert.match(greeting.text, /It asks to act for Ben \(prs_0000000000bb@example\.org\)/);
  const name = 'Ben B\\u{202e}oss (@ben_b)';
  const waiting = { state: 'confirm', telegram: { id: String(user.id), name }, since: '2026-11-20T02:13:00.000Z' };
  assert.deepEqual(await world.linkState(), waiting);
  const { actionId } = await world.ask();
  assert.equal(await world.bot.now.channel.canReach(actionId), false, 'nothing counts before the confirmation');
  await world.confirm(String(user.id));
  assert.equal((await world.linkState()).state, 'linked');
  await world.twin.waitForMessage(chat, 'Linked. You act here for Ben, approver.');
  await world.twin.waitForMessage(chat, 'Restart nginx.service');
  await world.tap({ user, chat }, 'Approve');
  assert.equal(await world.stateOf(actionId), 'approved');
  assert.deepEqual(
    (await world.events()).filter((event) => event.startsWith('telegram.')),
    ['telegram.link_started', 'telegram.linked'],
  );
  assert.equal((await world.lastDetails('telegram.linked'))?.details.telegram_id, String(user.id));
  const offered = world.twin.calls('setMyCommands').map((call) => call.parameters.scope);
  assert.deepEqual(offered.at(-1), { type: 'chat', chat_id: user.id });
  assert.ok(world.live.some((event) => event.type === 'telegram_link' && event.person === ben.id));
});

test('when the password is wrong, no link is made', async (t) => {
  await using world = await pairingWorld(t);
  const attempt = world.operations.startTelegramLink(world.bens, { password: 'wrong' }, context);
  await assert.rejects(attempt, hasCode('sign_in_failed'));
  assert.equal((await world.linkState()).state, 'none');
});

test('when the code is kept, only its hash is in the database', async (t) => {
  await using world = await pairingWorld(t);
  const { code } = await world.begin();
  const [row] = await world.db.selectFrom('one_use_secret').selectAll().execute();
  assert.equal(row?.purpose, 'telegram_link');
  assert.ok(!JSON.stringify(row).includes(code));
});

test('when a code is wrong, used, replaced or older than five minutes, it pairs nobody and that is audited', async (t) => {
  await using world = await pairingWorld(t);
  const mallory = world.twin.addUser({ firstName: 'Mallory' });
  const refused = async (code: string) => {
    const before = world.twin.messages(world.twin.openPrivateChat(mallory)).length;
    const chat = world.twin.pressDeepLink(mallory, code);
    await world.twin.waitForMessage(chat, 'wrong, used or older than 5 minutes', {
      after: world.twin.messages(chat)[before]?.messageId ?? 0,
    });
    await world.clock.pass(20_000);
  };
  await refused('cst_nonsense');
  const first = await world.begin();
  const second = await world.begin();
  await refused(first.code);
  const user = world.twin.addUser({ firstName: 'Ben' });
  await world.twin.waitForMessage(world.twin.pressDeepLink(user, second.code), 'Almost linked');
  await refused(second.code);
  const third = await world.begin(world.anas);
  await world.clock.pass(5 * 60_000);
  await refused(third.code);
  assert.equal((await world.linkState(world.anas)).state, 'none');
  const details = await world.lastDetails('telegram.refused');
  assert.equal(details?.details.why, 'link_code_invalid');
  assert.ok(!JSON.stringify(details).includes(third.code), 'the code itself is not kept');
});

test('when the confirmation names another account or comes too late, it is refused', async (t) => {
  await using world = await pairingWorld(t);
  const user = world.twin.addUser({ firstName: 'Ben' });
  const chat = world.twin.pressDeepLink(user, (await world.begin()).code);
  await world.twin.waitForMessage(chat, 'Almost linked');
  await assert.rejects(world.confirm('12345'), hasCode('link_code_invalid'));
  await assert.rejects(world.confirm(String(user.id), world.anas), hasCode('link_code_invalid'));
  await world.clock.pass(10 * 60_000 + 1);
  assert.equal((await world.linkState()).state, 'none');
  await assert.rejects(world.confirm(String(user.id)), hasCode('link_code_invalid'));
});

test('when an account is linked already, it cannot be paired with a second person, and the code stays usable', async (t) => {
  await using world = await pairingWorld(t);
  const { user, chat } = await world.link(ben);
  const { code } = await world.begin(world.anas);
  world.twin.pressDeepLink(user, code);
  await world.twin.waitForMessage(chat, 'linked already');
  assert.equal((await world.linkState(world.anas)).state, 'waiting');
  assert.equal((await world.linkState()).state, 'linked');
});

test('when a person pairs another account, the first one ends at once', async (t) => {
  await using world = await pairingWorld(t);
  const old = await world.link(ben);
  const user = world.twin.addUser({ firstName: 'New phone' });
  await world.twin.waitForMessage(world.twin.pressDeepLink(user, (await world.begin()).code), 'Almost linked');
  assert.equal((await world.linkState()).state, 'confirm');
  assert.equal((await world.lastDetails('telegram.unlinked'))?.details.telegram_id, String(old.user.id));
  await world.confirm(String(user.id));
  assert.deepEqual((await world.linkState()).telegram, { id: String(user.id), name: 'New phone' });
});

test('when a person unlinks in the dashboard, the cards go blank and taps do not count any more', async (t) => {
  await using world = await pairingWorld(t);
  const { user, chat } = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(chat, 'Restart');
  await world.operations.removeTelegramLink(world.bens, {}, context);
  await world.twin.waitForMessage(chat, 'was unlinked in the dashboard');
  await world.twin.waitForEdit(chat, 'not shown here any more', { messageId });
  assert.match((await world.twin.tap(user, chat, messageId, 'Approve')).text, /not linked/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  assert.equal((await world.linkState()).state, 'none');
});

test('when a person sends /unlink, the bot asks back, and only a yes unlinks', async (t) => {
  await using world = await pairingWorld(t);
  const phone = await world.link(ben);
  world.twin.sendText(phone.user, phone.chat, '/unlink');
  await world.twin.waitForMessage(phone.chat, 'Unlink this Telegram account?');
  await world.tap(phone, 'Keep');
  assert.equal((await world.linkState()).state, 'linked');
  world.twin.sendText(phone.user, phone.chat, '/unlink');
  await until(
    () => world.newest(phone.chat).buttons.flat().length === 2 && world.newest(phone.chat).edits === 0,
    'it asks again',
  );
  await world.tap(phone, 'Unlink');
  assert.equal((await world.linkState()).state, 'none');
  assert.equal((await world.lastDetails('telegram.unlinked'))?.who.person?.name, 'Ben');
  await world.twin.waitForCall('deleteMyCommands');
});

test('when a person is removed, their card goes blank and their taps do not count', async (t) => {
  await using world = await pairingWorld(t);
  const { user, chat } = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(chat, 'Restart');
  await removePerson(world.access, world.anas, ben.id);
  assert.match((await world.twin.tap(user, chat, messageId, 'Approve')).text, /not linked/);
  await world.twin.waitForEdit(chat, 'not shown here any more');
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
});

test('when no bot is set up, pairing says so, and unlinking still works', async (t) => {
  await using world = await pairingWorld(t, { started: false });
  await world.link(ben);
  const without = telegramOperations({ ...world.access, telegram: null });
  assert.equal((await without.getTelegram(world.bens, {}, context)).bot, null);
  await assert.rejects(without.startTelegramLink(world.bens, { password }, context), hasCode('telegram_off'));
  await without.removeTelegramLink(world.bens, {}, context);
  assert.equal((await world.linkState()).state, 'none');
});

test('when Telegram was never reached, pairing says that the bot cannot be used now', async (t) => {
  await using world = await pairingWorld(t, { started: false });
  await assert.rejects(world.begin(), hasCode('telegram_unreachable'));
  const { bot } = await world.operations.getTelegram(world.bens, {}, context);
  assert.deepEqual(bot, { username: '', ok: false, problem: 'The bot is not connected yet.' });
});
