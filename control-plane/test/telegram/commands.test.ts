import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ben, twoTaps } from '../actions/heart.ts';
import { telegramWorld, until } from './telegram-world.ts';

test('when a linked person sends /status, it counts servers, requests and alerts, and nothing in it can be tapped by mistake', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  await world.ask();
  world.twin.sendText(user, chat, '/status');
  const answer = await world.twin.waitForMessage(chat, 'Status');
  assert.equal(
    answer.text,
    'Status\nServers: 1 online, 0 offline, 0 not installed yet\nWaiting for a decision: 1 (/pending)\nUnder way: 0\nAlerts firing: 1\n🔴 nginx.service failed /unlink on web-1',
  );
  const commands = answer.entities.filter(({ type }) => type === 'bot_command');
  assert.deepEqual(
    commands.map(({ offset, length }) => answer.text.slice(offset, offset + length)),
    ['/pending'],
  );
});

test('when a linked person sends /servers, each is shown with its newest figures', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.sendText(user, chat, '/servers');
  const answer = await world.twin.waitForMessage(chat, 'Servers (1)');
  assert.equal(answer.text, 'Servers (1)\n🟢 web-1 online · load 0.40 · memory 41 % · disk 72 % · 1 firing');
});

test('when a linked person sends /pending, the list answers the card that expires first', async (t) => {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const { user, chat } = await world.link(ben);
  world.twin.sendText(user, chat, '/pending');
  await world.twin.waitForMessage(chat, 'Nothing waits for a decision.');
  const first = await world.ask({ unit: 'nginx' });
  const card = await world.twin.waitForMessage(chat, 'Restart nginx');
  await world.clock.pass(60_000);
  await world.ask({ unit: 'redis', risk: 'high' });
  await world.twin.waitForMessage(chat, 'Restart redis');
  world.twin.sendText(user, chat, '/pending@countersign_twin_bot');
  const list = await world.twin.waitForMessage(chat, 'Waiting for a decision (2)');
  const fingerprint = (await world.row(first.actionId)).digest.slice(0, 8);
  assert.ok(
    list.text.includes(
      `Restart nginx.service on web-1\nServer web-1 · risk medium · asked by Ana\nFingerprint ${fingerprint} · until 02:28:00 UTC (14 min)`,
    ),
  );
  assert.equal(list.replyTo, card.messageId);
});

test('when so much waits that nobody would read it in a chat, the list comes as a document', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  for (let n = 0; n < 10; n += 1) await world.ask({ unit: `u${n}-${'x'.repeat(180)}` });
  const other = { ...world.atDashboard(ben, 'approver'), session: { id: 'ses_y', strength: 'session' as const } };
  for (let n = 0; n < 5; n += 1) await world.ask({ unit: `v${n}-${'x'.repeat(180)}`, caller: other });
  world.twin.sendText(user, chat, '/pending');
  const list = await world.twin.waitForMessage(chat, ({ document }) => document?.fileName === 'pending.txt');
  assert.match(list.document?.bytes.toString('utf8') ?? '', /Waiting for a decision \(15\)[\s\S]*Restart v4-x/);
  assert.match(list.text, /^Waiting for a decision \(15\)/);
});

test('when a linked person asks who they are or for help, or writes anything else, the bot tells', async (t) => {
  await using world = await telegramWorld(t);
  const { user, chat } = await world.link(ben);
  world.twin.sendText(user, chat, '/whoami');
  const who = await world.twin.waitForMessage(chat, 'You are');
  assert.match(
    who.text,
    new RegExp(`You are Ben, approver\\. You can decide here\\.\nTelegram account: Ben, number ${user.id}\n`),
  );
  for (const text of ['/help', '/start', 'please restart everything', '/nonsense']) {
    const after = world.twin.sendText(user, chat, text);
    const help = await world.twin.waitForMessage(chat, '/pending – What waits for a decision', { after });
    assert.match(help.text, /\/servers[\s\S]*\/whoami[\s\S]*\/unlink/);
  }
});

test('when the bot starts, strangers are offered /help only', async (t) => {
  await using world = await telegramWorld(t);
  const call = await world.twin.waitForCall('setMyCommands');
  assert.deepEqual(call.parameters.commands, [{ command: 'help', description: 'How to link this account' }]);
  assert.equal(call.parameters.scope, undefined);
});

test('when a command cannot be answered, the person learns that and the bot goes on', async (t) => {
  await using world = await telegramWorld(t, { mayFail: true });
  const { user, chat } = await world.link(ben);
  await world.db.updateTable('action').set({ source_json: '{' }).execute();
  await world.ask();
  await world.db.updateTable('action').set({ source_json: '{' }).execute();
  world.twin.sendText(user, chat, '/pending');
  await world.twin.waitForMessage(chat, 'Something went wrong on our side; see the dashboard.');
  world.twin.sendText(user, chat, '/whoami');
  await world.twin.waitForMessage(chat, 'You are Ben');
});

test('when the bot starts, people who were linked before are offered the commands as they are now', async (t) => {
  await using world = await telegramWorld(t, { started: false });
  const { chat } = await world.link(ben);
  world.bot.now.start();
  await until(() => world.twin.calls('setMyCommands').length === 2, 'both lists are there');
  const { parameters } = world.twin.calls('setMyCommands').at(-1) ?? assert.fail('it was called');
  assert.deepEqual(parameters.scope, { type: 'chat', chat_id: chat.id });
  assert.deepEqual(
    (parameters.commands as { command: string }[]).map(({ command }) => command),
    ['pending', 'status', 'servers', 'panic', 'whoami', 'unlink', 'help'],
  );
});
