import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expireDue } from '../../src/actions/expire-due.ts';
import { ana, ben, twoTaps } from '../actions/heart.ts';
import { telegramWorld, vic } from './telegram-world.ts';

const twoPeople = `  - name: two-people
    when: {}
    ask: { approvals: 2, from: [approver, owner], channels: [telegram, web] }`;

test('when an approver taps Approve, the action is approved in their name and the card says so without buttons for it', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart');
  const answer = await world.tap(phone, 'Approve');
  assert.deepEqual(answer, { text: 'Approved for web-1.', showAlert: false });
  assert.equal(await world.stateOf(actionId), 'approved');
  const [vote] = await world.db.selectFrom('approval').selectAll().execute();
  assert.equal(vote?.person_id, ben.id);
  assert.equal(vote?.channel, 'telegram');
  assert.equal(vote?.strength, 'tap');
  const card = await world.twin.waitForEdit(phone.chat, 'Approved by Ben by telegram');
  assert.deepEqual(
    card.buttons.flat().map(({ text }) => text),
    ['Stop …', 'Open in the dashboard'],
  );
  assert.equal((await world.lastDetails('action.approved'))?.who.person?.name, 'Ben');
});

test('when an approver taps Reject, nothing will run and the card says who rejected', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(phone.chat, 'Restart');
  assert.equal((await world.tap(phone, 'Reject')).text, 'Rejected. Nothing will run.');
  assert.equal(await world.stateOf(actionId), 'rejected');
  await world.twin.waitForEdit(phone.chat, '❌ Rejected by Ben by telegram. Nothing was done.');
});

test('when the risk is high, one tap changes only the keyboard and the second one approves', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(phone.chat, 'Restart');
  assert.match((await world.tap(phone, 'Approve …')).text, /tap once more to confirm/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  const asking = await world.twin.waitForMessage(phone.chat, ({ buttons }) => buttons.flat().length === 3);
  assert.deepEqual(
    asking.buttons.flat().map(({ text }) => text),
    ['Yes, run on web-1', 'Back', 'Open in the dashboard'],
  );
  assert.equal((await world.tap(phone, 'Yes, run on web-1')).text, 'Approved for web-1.');
  assert.equal(await world.stateOf(actionId), 'approved');
});

test('when somebody taps Back, the first buttons return and nothing was decided', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.tap(phone, 'Approve …');
  await world.tap(phone, 'Back');
  assert.equal(world.newest(phone.chat).buttons.flat()[1]?.text, 'Approve …');
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  const stale = await world.twin.tap(phone.user, phone.chat, world.newest(phone.chat).messageId, 'Yes, run on web-1');
  assert.match(stale.text, /That took too long/, 'a second tap without a first one counts for nothing');
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
});

test('when the second tap does not come within a minute, the card asks from the start again', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.tap(phone, 'Approve …');
  await world.clock.pass(60_000);
  await world.settled();
  assert.equal(world.newest(phone.chat).buttons.flat()[1]?.text, 'Approve …');
});

test('when the program restarts between the two taps, both are needed again', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phone = await world.link(ben);
  const { actionId } = await world.ask({ risk: 'high' });
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.tap(phone, 'Approve …');
  await world.bot.restart();
  await world.settled();
  const card = world.newest(phone.chat);
  assert.equal(card.buttons.flat()[1]?.text, 'Approve …', 'the sweep put the first buttons back');
  assert.match((await world.twin.tap(phone.user, phone.chat, card.messageId, 'Yes, run on web-1')).text, /too long/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
});

test('when two people have cards and one decides, both copies are edited to say who, where and when', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  await world.ask();
  for (const { chat } of [bens, anas]) await world.twin.waitForMessage(chat, 'Restart');
  await world.tap(anas, 'Approve');
  for (const { chat } of [bens, anas]) await world.twin.waitForEdit(chat, 'Approved by Ana by telegram');
  const late = await world.twin.tap(bens.user, bens.chat, world.newest(bens.chat).messageId, 'Reject');
  assert.match(late.text, /already approved by Ana, by telegram, at 2026-11-20T02:13/);
  assert.ok(late.showAlert);
});

test('when two approvals are needed, the first is counted on every copy and the same person cannot give the second', async (t) => {
  await using world = await telegramWorld(t, { policy: twoPeople });
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  const { actionId } = await world.ask();
  for (const { chat } of [bens, anas]) await world.twin.waitForMessage(chat, '0 of 2 approvals');
  assert.equal((await world.tap(bens, 'Approve')).text, 'Your approval counts. 1 more is needed.');
  for (const { chat } of [bens, anas]) await world.twin.waitForEdit(chat, '1 of 2 approvals');
  assert.deepEqual(
    world
      .newest(bens.chat)
      .buttons.flat()
      .map(({ text }) => text),
    ['Reject', 'Open in the dashboard'],
    'who approved can only take it back',
  );
  const again = await world.twin.tap(bens.user, bens.chat, world.newest(bens.chat).messageId, 'Approve');
  assert.match(again.text, /You approved action .* already/);
  await world.tap(anas, 'Approve');
  assert.equal(await world.stateOf(actionId), 'approved');
});

test('F8: when two approvers tap Approve and Reject at once, one decision stands and all copies show it', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  for (let round = 0; round < 5; round += 1) {
    const { actionId } = await world.ask({ unit: `unit-${round}` });
    const cards = await Promise.all(
      [bens, anas].map(({ chat }) => world.twin.waitForMessage(chat, `unit-${round}.service on`)),
    );
    await Promise.all([
      world.twin.tap(bens.user, bens.chat, cards[0]?.messageId ?? 0, 'Approve'),
      world.twin.tap(anas.user, anas.chat, cards[1]?.messageId ?? 0, 'Reject'),
    ]);
    await world.settled();
    const [row] = await world.db.selectFrom('approval').selectAll().where('action_id', '=', actionId).execute();
    const words = row?.verdict === 'approve' ? 'Approved by' : 'Rejected by';
    for (const { chat } of [bens, anas]) assert.ok(world.newest(chat).text.includes(words));
  }
});

test('when somebody taps after the request expired, they are told so and nothing happens', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.clock.pass(15 * 60_000);
  const answer = await world.twin.tap(phone.user, phone.chat, messageId, 'Approve');
  assert.match(answer.text, /expired at 2026-11-20T02:28/);
  assert.equal(await world.stateOf(actionId), 'expired');
  await world.settled();
  assert.match(world.newest(phone.chat).text, /⌛ Nobody decided before/);
});

test('when nobody decides in time, the card says that it expired and loses its buttons', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.clock.pass(15 * 60_000);
  await expireDue(world.deps);
  const card = await world.twin.waitForEdit(phone.chat, '⌛');
  assert.deepEqual(
    card.buttons.flat().filter((button) => button.callback_data !== undefined),
    [],
  );
});

test('when a decision is made in the dashboard, the card in Telegram says so', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.answer(actionId, { person: ana, channel: 'web', strength: 'session' });
  await world.twin.waitForEdit(phone.chat, 'Approved by Ana by web');
});

test('when a person may read but not decide, they get no card; when a role is lost, the card goes blank', async (t) => {
  await using world = await telegramWorld(t);
  const [vics, bens] = [await world.link(vic), await world.link(ben)];
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(bens.chat, 'Restart');
  await world.settled();
  assert.deepEqual(world.twin.messages(vics.chat), []);
  await world.db.updateTable('person').set({ role: 'viewer' }).where('id', '=', ben.id).execute();
  const answer = await world.twin.tap(bens.user, bens.chat, messageId, 'Approve');
  assert.match(answer.text, /your role is viewer/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  const blank = await world.twin.waitForEdit(bens.chat, 'not shown here any more');
  assert.ok(!blank.text.includes('nginx'));
});
