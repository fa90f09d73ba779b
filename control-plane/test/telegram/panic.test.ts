import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatch } from '../../src/actions/dispatch.ts';
import { pauseNow } from '../../src/actions/pause.store.ts';
import { resumeDispatch } from '../../src/actions/resume.ts';
import { ana, anaAtDashboard, ben } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, vic } from './telegram-world.ts';

type Phone = Awaited<ReturnType<TelegramWorld['link']>>;

/** Sends /panic and waits for the question. */
async function panic(world: TelegramWorld, { user, chat }: Phone) {
  const after = world.twin.sendText(user, chat, '/panic');
  return world.twin.waitForMessage(chat, '🛑 Pause everything?', { after });
}

test('F19: when an approver sends /panic and taps once more, nothing is sent any more until an owner resumes', async (t) => {
  await using world = await telegramWorld(t, { publicUrl: 'https://cp.example.org' });
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const question = await panic(world, phone);
  assert.equal(await pauseNow(world.db), null, 'the command alone pauses nothing');
  assert.deepEqual(
    question.buttons.flat().map(({ text }) => text),
    ['Pause everything', 'Pause, and stop what runs', 'No'],
  );
  assert.deepEqual(await world.tap(phone, 'Pause everything'), { text: 'All changes are paused.', showAlert: false });
  const { messageId } = question;
  const told = await world.twin.waitForEdit(phone.chat, 'By Ben since 02:13:00 UTC', { messageId });
  assert.match(
    told.text,
    /^⏸ All changes are paused\n.*\nAn owner lets changes happen again, with a fresh proof, in the dashboard\.\n/,
  );
  assert.deepEqual(told.buttons, [[{ text: 'Open the dashboard', url: 'https://cp.example.org/' }]]);
  assert.deepEqual(told.linkPreview, { is_disabled: true });
  const entry = await world.lastDetails('dispatch.paused');
  assert.deepEqual([entry?.details.channel, entry?.who.person?.name], ['telegram', 'Ben']);
  const banner = '⏸ All changes are paused by Ben since 02:13:00 UTC';
  await world.twin.waitForEdit(phone.chat, banner);
  await world.tap(phone, 'Approve');
  assert.equal(await dispatch(world.deps, actionId), 'waiting');
  await resumeDispatch({ ...world.deps, prove: world.prove }, anaAtDashboard, { kind: 'password', password: 'right' });
  await world.settled();
  assert.ok(!world.twin.messages(phone.chat).some(({ text }) => text.includes('paused by Ben')));
  assert.equal(await dispatch(world.deps, actionId), 'sent');
});

test('F19: when what runs is to stop as well, it is asked to; afterwards /panic says who paused, and can still stop the rest', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  const [one, other] = [await world.ask(), await world.ask({ unit: 'redis' })];
  await world.answer(one.actionId);
  await dispatch(world.deps, one.actionId);
  await panic(world, bens);
  await world.tap(bens, 'Pause, and stop what runs');
  await world.twin.waitForEdit(bens.chat, 'Running actions that were asked to stop: 1');
  assert.deepEqual(world.fleet.stops, [one.actionId]);
  world.twin.sendText(anas.user, anas.chat, '/panic');
  const present = await world.twin.waitForMessage(anas.chat, 'By Ben since');
  assert.match(present.text, /in the dashboard\.\nWhat runs already goes on/);
  await world.tap(anas, 'Stop what runs, too');
  assert.deepEqual(world.fleet.stops, [one.actionId, one.actionId]);
  assert.equal((await pauseNow(world.db))?.by.name, 'Ben', 'the pause stays the one that it was');
  assert.equal(await world.stateOf(other.actionId), 'awaiting_approval');
});

test('when somebody says No, nothing is paused; when the old question is tapped twice, one pause is made', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  await panic(world, phone);
  assert.equal((await world.tap(phone, 'No')).text, 'Nothing was paused.');
  assert.equal(await pauseNow(world.db), null);
  const { messageId } = await panic(world, phone);
  await world.tap(phone, 'Pause everything');
  await world.clock.pass(5_000);
  await world.twin.tap(phone.user, phone.chat, messageId, 'Pause everything');
  assert.equal((await world.events()).filter((event) => event === 'dispatch.paused').length, 1);
});

test('when changes are paused, /status says so, by whom and since when', async (t) => {
  await using world = await telegramWorld(t, { publicUrl: 'http://ops:7070' });
  const phone = await world.link(ben);
  await panic(world, phone);
  await world.tap(phone, 'Pause everything');
  world.twin.sendText(phone.user, phone.chat, '/status');
  const answer = await world.twin.waitForMessage(phone.chat, /^Status/);
  assert.match(answer.text, /^Status\n⏸ All changes are paused\nBy Ben since 02:13:00 UTC\./);
  assert.match(answer.text, /in the dashboard: http:\/\/ops:7070\.\nServers: /, 'no button can lead there');
});

test('T4: when a viewer or a stranger tries to pause, by the command or by a forged button, they are refused and it is audited', async (t) => {
  await using world = await telegramWorld(t);
  const [vics, bens] = [await world.link(vic), await world.link(ben)];
  world.twin.sendText(vics.user, vics.chat, '/panic');
  await world.twin.waitForMessage(vics.chat, 'you cannot pause changes');
  assert.deepEqual((await world.lastDetails('telegram.refused'))?.details, {
    ...{ command: '/panic', why: 'viewer', telegram_id: String(vics.user.id), telegram_name: 'Vic' },
  });
  const { messageId } = await panic(world, bens);
  const forge = (who: Pick<Phone, 'user' | 'chat'>) =>
    world.twin.tapForged(who.user, { data: 'v1:pause:yes', chat: who.chat, messageId });
  assert.match((await forge(vics)).text, /you cannot pause|not ours|too old/);
  const user = world.twin.addUser({ firstName: 'Mallory' });
  const mallorys = { user, chat: world.twin.openPrivateChat(user) };
  world.twin.sendText(user, mallorys.chat, '/panic');
  await world.twin.waitForMessage(mallorys.chat, 'not linked to anybody');
  assert.equal((await world.lastDetails('telegram.refused'))?.details.why, 'not_linked');
  assert.match((await forge({ user, chat: bens.chat })).text, /your own private chat/);
  assert.equal((await world.lastDetails('telegram.refused'))?.details.why, 'not_private');
  assert.equal(await pauseNow(world.db), null);
});
