import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActionResult } from '@countersign/protocol';
import { closeUnknown } from '../../src/actions/close-unknown.ts';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { recordStep } from '../../src/actions/record-step.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { told } from '../../src/approvals/telegram/card.store.ts';
import { assistant, ben, resultOf, web1 } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, until } from './telegram-world.ts';

/** An action that Ben approved in Telegram and that the server has begun. */
async function running(world: TelegramWorld) {
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  const { messageId } = await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.tap(phone, 'Approve');
  await dispatchDue(world.deps);
  await recordStarted(world.deps, web1, { actionId, at: world.clock.now() });
  await world.settled();
  return { ...phone, actionId, messageId };
}

const finish = (world: TelegramWorld, actionId: string, result: ActionResult) =>
  recordFinished(world.deps, web1, { actionId, result });

test('when an action runs, its card follows, at most once in three seconds', async (t) => {
  await using world = await telegramWorld(t);
  const { chat, actionId, messageId } = await running(world);
  const edits = () => world.twin.messages(chat).find((message) => message.messageId === messageId)?.edits ?? 0;
  await world.clock.pass(3_000);
  await world.settled();
  await world.twin.waitForEdit(chat, '▶️ Runs on web-1', { messageId });
  const before = edits();
  for (let n = 0; n < 6; n += 1) {
    await recordStep(world.deps, web1, { actionId, step: `step-${n}`, phase: 'running' });
    await world.settled();
    await world.clock.pass(500);
    await world.settled();
  }
  assert.equal(edits() - before, 1, 'six changes in three seconds are one edit');
  await world.twin.waitForEdit(chat, 'at step step-5', { messageId });
});

test('when an action succeeds, the card says so at once and a reply tells the result, once', async (t) => {
  await using world = await telegramWorld(t);
  const { chat, actionId, messageId } = await running(world);
  const readings = [{ capability: 'unit.state', passed: true, said: 'active_state is "active"', at: 2 }];
  const steps = [
    { step: 'go', state: 'done' as const, exitCode: 0, startedAt: 1, finishedAt: 2, summary: 'Restarted /unlink.' },
  ];
  const result = resultOf('succeeded', { steps, check: { passed: true, readings }, startedAt: 1, finishedAt: 4_001 });
  await finish(world, actionId, result);
  await world.twin.waitForEdit(chat, '✅ It succeeded.', { messageId });
  const reply = await world.twin.waitForMessage(chat, 'Succeeded: Restart nginx.service on web-1');
  const fingerprint = (await world.row(actionId)).digest.slice(0, 8);
  assert.equal(
    reply.text,
    `✅ Succeeded: Restart nginx.service on web-1
On web-1, after 4 s. Fingerprint ${fingerprint}
It succeeded.
✓ go done, exit code 0: Restarted /unlink.
The check passed
  ✓ unit.state: active_state is "active"`,
  );
  assert.equal(reply.replyTo, messageId);
  assert.ok(!reply.entities.some(({ type }) => type === 'bot_command'));
  await world.clock.pass(60_000);
  await world.bot.restart();
  await world.settled();
  assert.equal(world.twin.messages(chat).filter(({ text }) => text.includes('Succeeded:')).length, 1);
});

test('when an action fails and is taken back, the reply tells both; when the undo fails too, it says to look', async (t) => {
  for (const [state, words] of [
    ['done', 'Everything was taken back'],
    ['failed', '⚠️ The undo failed: look at the server now'],
    ['impossible', '⚠️ It cannot be taken back: look at the server now'],
  ] as const) {
    await using world = await telegramWorld(t);
    const { chat, actionId } = await running(world);
    await finish(world, actionId, resultOf('failed', { undo: { state, steps: [] } }));
    const reply = await world.twin.waitForMessage(chat, 'Failed: Restart');
    assert.ok(reply.text.includes('The check did not pass'));
    assert.ok(reply.text.endsWith(words));
  }
});

test('when a result is too long for a chat, it comes as a document', async (t) => {
  await using world = await telegramWorld(t);
  const { chat, actionId } = await running(world);
  const said = 'x'.repeat(280);
  const readings = Array.from({ length: 20 }, () => ({ capability: 'unit.state', passed: false, said, at: 2 }));
  await finish(world, actionId, resultOf('failed', { check: { passed: false, readings } }));
  const reply = await world.twin.waitForMessage(chat, ({ document }) => document?.fileName === 'result.txt');
  assert.match(reply.text, /^❌ Failed: Restart/);
  assert.equal(reply.document?.bytes.toString('utf8').split(said).length, 21);
});

test('when the outcome is not known, a reply says so, and another one tells when it is', async (t) => {
  await using world = await telegramWorld(t);
  const { chat, actionId } = await running(world);
  await finish(world, actionId, resultOf('unknown'));
  await world.twin.waitForMessage(chat, 'Outcome not known: Restart');
  await finish(world, actionId, resultOf('succeeded'));
  await world.twin.waitForMessage(chat, 'Succeeded: Restart');
  assert.equal(world.twin.messages(chat).filter(({ byBot }) => byBot).length, 3);
});

test('when a person closes an action whose outcome stays unknown, the reply says who and why', async (t) => {
  await using world = await telegramWorld(t);
  const { chat, actionId } = await running(world);
  await finish(world, actionId, resultOf('unknown'));
  await world.twin.waitForMessage(chat, 'Outcome not known');
  await closeUnknown(world.deps, world.atDashboard(ben, 'approver'), { actionId, reason: 'looked at it' });
  const reply = await world.twin.waitForMessage(chat, 'Failed: Restart');
  assert.match(reply.text, /Closed by Ben: looked at it/);
});

test('when the server refuses an approved action, the reply tells why', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await world.tap(phone, 'Approve');
  await dispatchDue(world.deps);
  await recordRefused(world.deps, web1, {
    actionId,
    at: world.clock.now(),
    fault: { code: 'state_drifted', slots: { reason: 'unit nginx.service changed' } },
  });
  const reply = await world.twin.waitForMessage(phone.chat, 'Refused by the server: Restart');
  assert.match(reply.text, /unit nginx\.service changed since the plan was approved/);
});

test('when an approved action is not started in time or withdrawn, the reply says that nothing ran', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart nginx');
  await world.tap(phone, 'Approve');
  const second = await world.ask({ unit: 'redis' });
  await world.twin.waitForMessage(phone.chat, 'Restart redis');
  await world.tap(phone, 'Approve');
  await withdraw(world.deps, assistant, second.actionId);
  await world.twin.waitForMessage(
    phone.chat,
    'Withdrawn after the approval: Restart redis.service on web-1\nNothing ran.',
  );
  await world.clock.pass(2 * 60_000);
  await expireDue(world.deps);
  await world.twin.waitForMessage(phone.chat, 'Approved, but not started in time: Restart nginx.service');
});

test('when a request is rejected or taken back before anybody approved, no reply is sent', async (t) => {
  await using world = await telegramWorld(t);
  const phone = await world.link(ben);
  const { actionId } = await world.ask();
  await world.twin.waitForMessage(phone.chat, 'Restart');
  await withdraw(world.deps, assistant, actionId);
  await world.twin.waitForEdit(phone.chat, '↩️');
  await until(
    async () =>
      (await world.db.selectFrom('telegram_card').select('result_posted').execute())[0]?.result_posted ===
      told.everything,
    'the copy is settled',
  );
  assert.equal(world.twin.messages(phone.chat).length, 1);
});
