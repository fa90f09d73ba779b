import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, type Plan } from '@countersign/protocol';
import { askAgain } from '../../src/actions/ask-again.ts';
import { confirmAction } from '../../src/actions/confirm-action.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { recordStep } from '../../src/actions/record-step.ts';
import { write } from '../../src/storage/write.ts';
import { ana, anaAtDashboard, ben, resultOf, web1 } from '../actions/heart.ts';
import { ed25519Approver, lockWith } from '../actions/locks.ts';
import { type TelegramWorld, telegramWorld, vic } from './telegram-world.ts';

const publicUrl = 'https://cp.example.org';
const key = ed25519Approver();

type Seen = ReturnType<TelegramWorld['newest']>;
const buttons = (card: Seen) => card.buttons.flat().map(({ text }) => text);
const urls = (card: Seen) => card.buttons.flat().flatMap(({ url }) => (url === undefined ? [] : [url]));

/** The card of an action as it is now: the message that has its fingerprint and answers no other card. */
async function cardOf(world: TelegramWorld, chat: Parameters<TelegramWorld['newest']>[0], actionId: string) {
  await world.settled();
  const copy = await world.db
    .selectFrom('telegram_card')
    .select('message_id')
    .where('action_id', '=', actionId)
    .where('chat_id', '=', String(chat.id))
    .executeTakeFirst();
  const card = world.twin.messages(chat).find(({ messageId }) => messageId === copy?.message_id);
  return card ?? assert.fail('there is no card');
}

/** Ben approved it, with a signature where the server is locked, and the server has begun. */
async function running(world: TelegramWorld, unit = 'nginx', locked = false) {
  const { actionId } = await world.ask({ unit });
  await world.settled();
  const { digest } = await world.row(actionId);
  if (locked) await world.answer(actionId, { channel: 'web', strength: 'session', signature: key.sign(digest) });
  else await world.answer(actionId);
  await dispatch(world.deps, actionId);
  await recordStarted(world.deps, web1, { actionId, at: world.clock.now() });
  return actionId;
}

const because = 'it replaces the rules of the firewall, which decide which connections come through';

/** A running action whose steps are done, and whose server takes it back in a minute unless it is confirmed. */
async function confirming(world: TelegramWorld, unit = 'nginx', locked = false) {
  const actionId = await running(world, unit, locked);
  const plan = JSON.parse((await world.row(actionId)).plan_json) as Plan;
  const plan_json = canonicalJson({ ...plan, confirm: { within_ms: 60_000, because } });
  await write(world.db, (trx) => trx.updateTable('action').set({ plan_json }).where('id', '=', actionId).execute());
  const until = world.clock.now() + 60_000;
  await recordStep(world.deps, web1, { actionId, step: 'go', phase: 'confirming', until });
  await world.settled();
  return actionId;
}

test('T1: when the server is locked, the card opens the page of the action, says why in a line, and keeps Reject', async (t) => {
  await using world = await telegramWorld(t, { publicUrl });
  const phone = await world.link(ben);
  await world.lock(lockWith({ ana: [key] }));
  const { actionId } = await world.ask({ risk: 'low' });
  const card = await cardOf(world, phone.chat, actionId);
  assert.deepEqual(buttons(card), ['Reject', 'Open to approve']);
  assert.deepEqual(urls(card), [`${publicUrl}/actions/${actionId}`], 'the address carries no proof of anybody');
  assert.match(card.text, /\n🔒 Server web-1 is locked: it counts only signatures, .*\.\n/);
  assert.deepEqual(card.linkPreview, { is_disabled: true });
  const data = card.buttons.flat()[0]?.callback_data?.replace('reject', 'approve') ?? '';
  const forged = await world.twin.tapForged(phone.user, { data, chat: phone.chat, messageId: card.messageId });
  assert.match(forged.text, /locked and counts only signatures/);
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  assert.equal((await world.tap(phone, 'Reject')).text, 'Rejected. Nothing will run.');
});

test('T4: when the built-in rules take no tap at high risk, the card says so and opens the page', async (t) => {
  await using world = await telegramWorld(t, { publicUrl });
  const phone = await world.link(ben);
  for (const risk of ['high', 'critical'] as const) {
    const { actionId } = await world.ask({ risk, unit: risk });
    const card = await cardOf(world, phone.chat, actionId);
    assert.deepEqual(buttons(card), ['Reject', 'Open to approve']);
    assert.match(
      card.text,
      new RegExp(`🔒 A tap is not enough for this: at ${risk} risk, rule [\\w-]+ asks for more\\.`),
    );
  }
});

test('when no button can open the page, the card says its address', async (t) => {
  for (const address of ['http://localhost:7070', 'http://ops:7070']) {
    await using world = await telegramWorld(t, { publicUrl: address });
    const phone = await world.link(ben);
    await world.lock(lockWith({ ana: [key] }));
    const { actionId } = await world.ask();
    const card = await cardOf(world, phone.chat, actionId);
    assert.deepEqual(buttons(card), ['Reject']);
    assert.ok(card.text.includes(`Open it at ${address}/actions/${actionId}`), card.text);
  }
});

test('T8: when it is asked again since the state drifted, the card shows the differences first and leads to the one before', async (t) => {
  await using world = await telegramWorld(t, { publicUrl });
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const old = await cardOf(world, phone.chat, actionId);
  await world.tap(phone, 'Approve');
  await dispatch(world.deps, actionId);
  const slots = {
    reason: 'x',
    differences: 'active_state of unit nginx.service changed from "active" to "failed"\nb\nc\nd',
  };
  await recordRefused(world.deps, web1, { actionId, fault: { code: 'state_drifted', slots }, at: world.clock.now() });
  await askAgain(world.deps, actionId);
  const row = await world.db
    .selectFrom('action')
    .select('id')
    .where('follows_action', '=', actionId)
    .executeTakeFirst();
  const card = await cardOf(world, phone.chat, row?.id ?? '');
  assert.deepEqual(card.text.split('\n').slice(2, 8), [
    '🔁 Asked again: it is not as it was when it was approved',
    '• active_state of unit nginx.service changed from "active" to "failed"',
    '• b',
    '• c',
    'and 1 more',
    `The approval of ${actionId} was not used.`,
  ]);
  assert.match(card.text.split('\n')[8] ?? '', /^⏳ Decide within/);
  assert.equal(card.replyTo, old.messageId);
  assert.deepEqual(urls(card), [`${publicUrl}/actions/${row?.id}`, `${publicUrl}/actions/${actionId}`]);
  await world.tap(phone, 'Approve');
  assert.equal(await world.stateOf(row?.id ?? ''), 'approved');
});

test('when a change could lock everybody out, its card says beforehand that it is taken back unless somebody confirms', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const actionId = await confirming(world);
  const card = await cardOf(world, phone.chat, actionId);
  assert.ok(
    card.text.includes(
      `Confirm The server takes it back by itself unless somebody confirms within 60 seconds that it can still be reached, since ${because}.`,
    ),
  );
});

test('when a server waits to be confirmed, a message says until when, and two taps confirm', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  const actionId = await confirming(world);
  const card = await cardOf(world, bens.chat, actionId);
  assert.match(card.text, /⏰ Done on web-1, which takes it back by itself at 02:14 UTC unless somebody confirms/);
  assert.deepEqual(buttons(card), ['Stop …', 'Confirm …', 'Open in the dashboard']);
  const call = await world.twin.waitForMessage(bens.chat, 'Can web-1 still be reached?');
  assert.equal(
    call.text,
    `⏰ Can web-1 still be reached? Restart nginx.service on web-1
It is done, but ${because}.
Check now, on a new connection. When in doubt, do nothing.
The server takes it back at 02:14:00 UTC unless somebody confirms, on the card above.`,
  );
  assert.equal(call.replyTo, card.messageId);
  assert.equal(call.silent, false);
  assert.match((await world.tap(bens, 'Confirm …')).text, /Tap once more to keep the change/);
  assert.deepEqual(world.fleet.confirmations, [], 'one tap confirms nothing');
  assert.match((await cardOf(world, bens.chat, actionId)).text, /One more tap keeps it/);
  assert.doesNotMatch((await cardOf(world, anas.chat, actionId)).text, /One more tap/);
  assert.equal((await world.tap(bens, 'Yes, I can reach web-1')).text, 'Confirmed. web-1 is being told.');
  assert.deepEqual(world.fleet.confirmations, [{ actionId, signatures: [] }]);
  const entry = await world.lastDetails('action.confirmed');
  assert.deepEqual([entry?.details.channel, entry?.who.person?.name], ['telegram', 'Ben']);
  for (const { chat } of [bens, anas]) {
    const after = await cardOf(world, chat, actionId);
    assert.match(after.text, /confirmed by Ben; web-1 is being told/);
    assert.deepEqual(buttons(after), ['Stop …', 'Open in the dashboard']);
  }
  await recordFinished(world.deps, web1, { actionId, result: resultOf('succeeded') });
  await world.twin.waitForMessage(anas.chat, 'Succeeded: Restart');
  const calls = world.twin.messages(anas.chat).filter(({ text }) => text.includes('still be reached?'));
  assert.equal(calls.length, 1);
});

test('T1: when a locked server waits to be confirmed, no tap does it: the page of the action takes the signature', async (t) => {
  await using world = await telegramWorld(t, { publicUrl });
  const phone = await world.link(ben);
  await world.lock(lockWith({ ana: [key] }));
  const actionId = await confirming(world, 'nginx', true);
  const card = await cardOf(world, phone.chat, actionId);
  assert.deepEqual(buttons(card), ['Stop …', 'Open to confirm']);
  assert.match(card.text, /🔒 Server web-1 is locked/);
  const data = `v1:confirm_sure:${actionId.slice(4)}:${(await world.row(actionId)).digest.slice(0, 8)}`;
  const forged = { data, chat: phone.chat, messageId: card.messageId };
  assert.match((await world.twin.tapForged(phone.user, forged)).text, /took too long/);
  const one = { ...forged, data: data.replace('_sure', '') };
  assert.match((await world.twin.tapForged(phone.user, one)).text, /counts only approvals that are signed/);
  assert.deepEqual(world.fleet.confirmations, []);
  assert.equal((await world.lastDetails('confirmation.refused'))?.details.error, 'signature_needed');
});

test('when it was confirmed in the dashboard or is being taken back, the card offers no Confirm any more', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const actionId = await confirming(world);
  await confirmAction(world.deps, anaAtDashboard, { actionId });
  assert.ok(!buttons(await cardOf(world, phone.chat, actionId)).includes('Confirm …'));
  const other = await confirming(world, 'redis');
  await recordStep(world.deps, web1, { actionId: other, step: 'go', phase: 'undoing' });
  await world.clock.pass(3_000);
  const card = await cardOf(world, phone.chat, other);
  assert.ok(!buttons(card).includes('Confirm …'));
  const data = `v1:confirm:${other.slice(4)}:${(await world.row(other)).digest.slice(0, 8)}`;
  const late = await world.twin.tapForged(phone.user, { data, chat: phone.chat, messageId: card.messageId });
  assert.match(late.text, /does not wait|nothing|running/i);
});

test('F19: when an action runs, two taps ask the server to stop it, and all copies tell', async (t) => {
  await using world = await telegramWorld(t);
  const [bens, anas] = [await world.link(ben), await world.link(ana)];
  const actionId = await running(world);
  await world.clock.pass(3_000);
  assert.deepEqual(buttons(await cardOf(world, anas.chat, actionId)), ['Stop …', 'Open in the dashboard']);
  assert.equal((await world.tap(bens, 'Stop …')).text, 'Stop it? Tap once more.');
  assert.deepEqual(world.fleet.stops, []);
  assert.deepEqual(buttons(await cardOf(world, bens.chat, actionId)).slice(0, 2), ['Yes, stop on web-1', 'Back']);
  assert.equal((await world.tap(bens, 'Yes, stop on web-1')).text, 'web-1 is asked to stop it.');
  assert.deepEqual(world.fleet.stops, [actionId]);
  assert.equal((await world.lastDetails('action.stop_requested'))?.who.person?.name, 'Ben');
  await world.clock.pass(3_000);
  for (const { chat } of [bens, anas]) {
    const card = await cardOf(world, chat, actionId);
    assert.match(card.text, /It was asked to stop/);
    assert.deepEqual(buttons(card), ['Open in the dashboard']);
  }
  const again = `v1:stop:${actionId.slice(4)}:${(await world.row(actionId)).digest.slice(0, 8)}`;
  const messageId = (await cardOf(world, bens.chat, actionId)).messageId;
  const answer = await world.twin.tapForged(bens.user, { data: again, chat: bens.chat, messageId });
  assert.equal(answer.text, 'It was asked to stop already.');
  await recordFinished(world.deps, web1, { actionId, result: resultOf('stopped') });
  await world.twin.waitForMessage(anas.chat, 'Stopped: Restart');
});

test('when an approved action was not sent yet, Stop takes it back; what waits for a decision cannot be stopped by a tap', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await cardOf(world, phone.chat, actionId);
  const data = `v1:stop_sure:${actionId.slice(4)}:${(await world.row(actionId)).digest.slice(0, 8)}`;
  for (const verb of ['stop', 'stop_sure']) {
    const forged = { data: data.replace('stop_sure', verb), chat: phone.chat, messageId };
    assert.match(
      (await world.twin.tapForged(phone.user, forged)).text,
      /took too long|nothing to stop|awaiting_approval/,
    );
  }
  assert.equal(await world.stateOf(actionId), 'awaiting_approval');
  await world.tap(phone, 'Approve');
  await world.tap(phone, 'Stop …');
  assert.equal((await world.tap(phone, 'Yes, stop on web-1')).text, 'Stopped before it was sent. Nothing ran.');
  assert.equal(await world.stateOf(actionId), 'withdrawn');
});

test('T5: when a viewer forges Stop or Confirm, both are refused and audited', async (t) => {
  await using world = await telegramWorld(t);
  const [vics, bens] = [await world.link(vic), await world.link(ben)];
  const actionId = await confirming(world);
  const fingerprint = (await world.row(actionId)).digest.slice(0, 8);
  const { messageId } = await cardOf(world, bens.chat, actionId);
  const after = world.twin.sendText(vics.user, vics.chat, '/help');
  const own = await world.twin.waitForMessage(vics.chat, 'Countersign', { after });
  for (const verb of ['stop', 'stop_sure', 'confirm', 'confirm_sure']) {
    const data = `v1:${verb}:${actionId.slice(4)}:${fingerprint}`;
    const answer = await world.twin.tapForged(vics.user, { data, chat: vics.chat, messageId: own.messageId });
    assert.ok(answer.showAlert);
  }
  assert.ok(messageId);
  assert.deepEqual([world.fleet.stops, world.fleet.confirmations], [[], []]);
  const refused = (await world.events()).filter((event) => event === 'telegram.refused');
  assert.equal(refused.length, 3, 'three a minute are written down');
  const entry = await world.lastDetails('telegram.refused');
  assert.deepEqual([entry?.details.why, entry?.who.person?.name], ['viewer', 'Vic']);
});

test('when the first tap was for one thing, the second tap of another thing counts for nothing', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const actionId = await confirming(world);
  const { messageId } = await cardOf(world, phone.chat, actionId);
  await world.tap(phone, 'Stop …');
  const data = `v1:confirm_sure:${actionId.slice(4)}:${(await world.row(actionId)).digest.slice(0, 8)}`;
  const answer = await world.twin.tapForged(phone.user, { data, chat: phone.chat, messageId });
  assert.match(answer.text, /took too long/);
  assert.deepEqual([world.fleet.stops, world.fleet.confirmations], [[], []]);
});
