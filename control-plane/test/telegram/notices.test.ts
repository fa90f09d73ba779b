import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../../src/audit/events.ts';
import { appendEntry, type Who, whoIs } from '../../src/audit/ledger.ts';
import { write } from '../../src/storage/write.ts';
import { ana, ben, web1 } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, until, vic } from './telegram-world.ts';

type Phone = Awaited<ReturnType<TelegramWorld['link']>>;

const person = ({ id, name }: { id: string; name: string }, ip: string | null = '203.0.113.7'): Who => ({
  ...{ person: { id, name }, token: null, client: null, ip, by: 'person' },
});
const contradicted = { kind: 'rolled_back', size: 120, entries: 80 };

/** What happened, as its use case puts it on record. */
const record = (world: TelegramWorld, event: AuditEvent, who: Who, details: object = {}, serverId?: string) =>
  write(world.db, (trx) =>
    appendEntry(trx, { event, at: world.clock.now(), who, serverId, details: details as never }),
  );

/** What the bot wrote into a chat since the last look at the log, after one more look. */
async function toldTo(world: TelegramWorld, { chat }: Phone): Promise<string[]> {
  await world.clock.pass(15_000);
  const untold = () => world.db.selectFrom('telegram_notice').selectAll().execute();
  // Who is told to wait may hear so only now: the time goes on until all is told.
  await until(async () => {
    if ((await untold()).length === 0) return true;
    await world.clock.pass(1_000);
    return false;
  }, 'everything is told');
  await world.settled();
  return world.twin
    .messages(chat)
    .filter(({ byBot }) => byBot)
    .map(({ text }) => text);
}

/** The bot has looked at the log once: what is in it now is old. */
const looked = (world: TelegramWorld) =>
  until(async () => {
    const rows = await world.db.selectFrom('setting').select('name').execute();
    return rows.some(({ name }) => name === 'telegram.notices_up_to');
  }, 'the log was looked at');

test('T22: when a server contradicts the audit log or shows another witness key, owners are told, each once', async (t) => {
  await using world = await telegramWorld(t, { publicUrl: 'https://cp.example.org' });
  const [anas, bens] = [await world.link(ana), await world.link(ben)];
  await looked(world);
  await record(world, 'ledger.contradicted', whoIs('agent'), contradicted, web1);
  await record(world, 'server.witness_key_changed', whoIs('agent'), { pinned: 'a', told: 'b' }, web1);
  const told = await toldTo(world, anas);
  assert.deepEqual(told, [
    '🚨 web-1 contradicts the audit log\nIt remembers 120 entries, this database has 80: it was rolled back, or cut off.\nChanges there are refused until an owner accepts the loss, on the audit page of the dashboard.',
    '🚨 web-1 shows another witness key\nWhat it says of the audit log is not believed. If you reset the server, enrol it anew; if not, look at it now.',
  ]);
  const [first] = world.twin.messages(anas.chat);
  assert.deepEqual(first?.buttons, [[{ text: 'Open the dashboard', url: 'https://cp.example.org/' }]]);
  assert.deepEqual(first?.linkPreview, { is_disabled: true });
  await world.bot.restart();
  assert.equal((await toldTo(world, anas)).length, 2, 'not once more, also by the next run of the program');
  assert.deepEqual(await toldTo(world, bens), [], 'Ben is no owner');
});

test('T4: when an account gets a passkey, its person is told; when somebody recovers, owners are', async (t) => {
  await using world = await telegramWorld(t);
  const [anas, bens, vics] = [await world.link(ana), await world.link(ben), await world.link(vic)];
  await looked(world);
  await record(world, 'passkey.added', person(vic), { name: 'phone /unlink', key: 'k' });
  const [passkey, ...rest] = await toldTo(world, vics);
  assert.match(
    passkey ?? '',
    /^🔑 Your account has a new passkey\nIt is called phone \/unlink, and was added at 02:13:\d\d UTC from 203\.0\.113\.7\.\n/,
  );
  assert.deepEqual(rest, []);
  const [message] = world.twin.messages(vics.chat);
  const commands = message?.entities
    .filter(({ type }) => type === 'bot_command')
    .map(({ offset, length }) => message.text.slice(offset, offset + length));
  assert.deepEqual(commands, ['/panic']);
  await record(world, 'setup.finished', person(ben), { email: 'ben@example.org', role: 'owner' });
  assert.match((await toldTo(world, anas)).at(-1) ?? '', /^🔑 Ben is an owner by a recovery link/);
  assert.deepEqual([(await toldTo(world, anas)).length, await toldTo(world, bens)], [1, []]);
});

test('when all changes are paused and go on again, others who decide are told', async (t) => {
  await using world = await telegramWorld(t);
  const [anas, bens, vics] = [await world.link(ana), await world.link(ben), await world.link(vic)];
  await looked(world);
  await record(world, 'dispatch.paused', person(ben), { channel: 'cli' });
  await record(world, 'dispatch.resumed', person(ana));
  assert.match((await toldTo(world, anas)).join('\n'), /^⏸ All changes are paused\nBy Ben at 02:13:00 UTC\./);
  assert.deepEqual(await toldTo(world, bens), ['▶️ Changes go on\nAna ended the pause at 02:13:00 UTC.']);
  assert.deepEqual(await toldTo(world, vics), []);
});

test('F13: when Telegram is down, or one of two chats has to wait, notices come later and to nobody twice', async (t) => {
  await using world = await telegramWorld(t);
  await world.db.updateTable('person').set({ role: 'owner' }).where('id', '=', ben.id).execute();
  const [anas, bens] = [await world.link(ana), await world.link(ben)];
  await looked(world);
  world.twin.faults.rateLimit('sendMessage', 7);
  await record(world, 'ledger.contradicted', whoIs('agent'), contradicted, web1);
  await world.clock.pass(15_000);
  await until(() => world.twin.calls('sendMessage').length === 1, 'the first is refused for now');
  for (const phone of [anas, bens]) assert.equal((await toldTo(world, phone)).length, 1);
  world.twin.faults.outage(true);
  world.twin.faults.conflict();
  await until(() => !world.bot.now.state().ok, 'the outage shows');
  await record(world, 'ledger.contradicted', whoIs('agent'), { ...contradicted, kind: 'rewritten' }, web1);
  await world.clock.pass(60_000);
  world.twin.faults.outage(false);
  await until(async () => {
    await world.clock.pass(1_000);
    return world.twin.messages(bens.chat).length === 2 && world.twin.messages(anas.chat).length === 2;
  }, 'both are told');
  assert.match(world.newest(anas.chat).text, /somebody may have rewritten the log/);
});

test('when who should hear of it blocked the bot, lost the role or is unlinked, nothing is kept for them', async (t) => {
  await using world = await telegramWorld(t);
  const anas = await world.link(ana);
  await looked(world);
  await record(world, 'ledger.contradicted', whoIs('agent'), contradicted, web1);
  world.twin.faults.blockBot(anas.user);
  await until(() => world.twin.pendingUpdates() === 0, 'the bot knows');
  assert.deepEqual(await toldTo(world, anas), []);
});

test('when the bot is new, what happened before is not told', async (t) => {
  await using world = await telegramWorld(t, { started: false });
  const anas = await world.link(ana);
  await record(world, 'ledger.contradicted', whoIs('agent'), contradicted, web1);
  world.bot.now.start();
  await looked(world);
  assert.deepEqual(await toldTo(world, anas), []);
});
