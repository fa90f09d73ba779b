/**
 * Random sequences with faults between, after which every copy of every card has to tell what the store holds. What a card has
 * to show is worked out here once more, from the rows alone.
 */
import { type ActionState, isFinal } from '@countersign/protocol';
import { Chance } from '../../../test/simulation/chance.ts';
import { confirmationsOf, isConfirming } from '../../src/actions/confirmations.ts';
import { pauseNow } from '../../src/actions/pause.store.ts';
import { resumeDispatch } from '../../src/actions/resume.ts';
import { lockOf } from '../../src/actions/server-lock.ts';
import { told } from '../../src/approvals/telegram/card.store.ts';
import { serverById } from '../../src/fleet/server.store.ts';
import { ana, anaAtDashboard, ben, web1 } from '../actions/heart.ts';
import { begin, happen, latest, type Phone } from './happenings.ts';
import type { TelegramWorld } from './telegram-world.ts';

/** Real time that one sequence may take to come to rest, milliseconds. */
const PATIENCE_MS = 60_000;
/** Longer than a first tap waits for the second. */
const REST_MS = 61_000;

/** Longer than many rejections keep somebody from asking again. */
const COOL_DOWN_MS = 11 * 60_000;

/** Lives through one sequence and waits until all copies tell the truth. Rejects with what they tell instead. */
export async function converge(world: TelegramWorld, phones: readonly Phone[], seed: number): Promise<void> {
  const chance = new Chance(seed);
  const { actionId } = await world.ask({ risk: chance.pick(['low', 'medium', 'high', 'critical']), unit: `u${seed}` });
  if (chance.happens(0.7)) await world.settled();
  await begin(world, actionId, chance.pick(phones), chance);
  for (let n = 3 + chance.below(12); n > 0; n -= 1)
    await happen(world, await latest(world, actionId), chance.pick(phones), chance);
  world.twin.faults.clear();
  world.twin.faults.reorderUpdates(0);
  await atRest(world, phones, actionId);
  await tidyUp(world, actionId);
}

async function atRest(world: TelegramWorld, phones: readonly Phone[], actionId: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  let wrong: string[] = ['nothing was looked at'];
  for (let turn = 0; wrong.length > 0; turn += 1) {
    if (performance.now() > end) throw new Error(wrong.join('\n'));
    await world.clock.pass(turn === 0 ? REST_MS : 5_000);
    await world.settled();
    wrong = ['the bot did not take what it was sent'];
    if (!world.bot.now.state().ok) world.twin.endPoll();
    if (!world.bot.now.state().ok || world.twin.pendingUpdates() > 0) continue;
    wrong = [];
    for (const id of new Set([actionId, await latest(world, actionId)]))
      for (const phone of phones) wrong.push(...(await whatIsWrong(world, phone, id)));
  }
}

/** The next sequence begins without a pause, without a lock, and with nothing that waits or runs. */
async function tidyUp(world: TelegramWorld, actionId: string): Promise<void> {
  await world.lock(null);
  await resumeDispatch({ ...world.deps, prove: world.prove }, anaAtDashboard, { kind: 'password', password: 'right' });
  const rest = { state: 'failed' as const, finished_at: world.clock.now() };
  await world.db
    .updateTable('action')
    .set(rest)
    .where('id', 'in', [actionId, await latest(world, actionId)])
    .where('state', 'in', ['awaiting_approval', 'approved', 'dispatched', 'running', 'unknown'])
    .execute();
  await world.db.updateTable('telegram_card').set({ result_posted: told.everything }).execute();
  world.clock.jump(COOL_DOWN_MS);
}

const marks: Readonly<Record<ActionState, string>> = {
  awaiting_approval: '⏳',
  approved: '✅',
  denied: '⛔',
  rejected: '❌',
  withdrawn: '↩️',
  expired: '⌛',
  dispatched: '📨',
  running: '▶️',
  refused: '⛔',
  unknown: '❔',
  succeeded: '✅',
  failed: '❌',
  stopped: '⏹',
};

async function whatIsWrong(world: TelegramWorld, phone: Phone, id: string): Promise<string[]> {
  const row = await world.row(id);
  const copy = await world.db
    .selectFrom('telegram_card')
    .selectAll()
    .where('action_id', '=', id)
    .where('chat_id', '=', String(phone.chat.id))
    .executeTakeFirst();
  const about = (words: string) => `${id}, ${row.state}, in the chat of ${phone.user.firstName}: ${words}`;
  // What ended before Telegram took its card is not shown any more.
  if (!copy) return row.state === 'awaiting_approval' && world.clock.now() < row.decide_by ? [about('no card')] : [];
  const card = world.twin.message(phone.chat, copy.message_id);
  if (!card) return [about('the card is gone')];
  const wrong: string[] = [];
  const expect = (holds: boolean, words: string) => void (holds || wrong.push(about(`${words}\n${card.text}`)));
  const buttons = card.buttons
    .flat()
    .flatMap(({ callback_data }) => (callback_data ? [callback_data.split(':')[1]] : []));
  const wanted = await buttonsFor(world, phone, row);
  expect(card.text.includes(row.digest.slice(0, 8)), 'no fingerprint');
  expect(card.text.includes(isConfirming(row) && row.confirm_by !== null ? '⏰' : marks[row.state]), 'not its state');
  expect(buttons.join() === wanted.join(), `buttons ${buttons.join()} instead of ${wanted.join()}`);
  const live = !isFinal(row.state) && row.state !== 'approved';
  expect(card.text.includes('⏸ All') === (live && (await pauseNow(world.db)) !== null), 'not whether all is paused');
  if (row.follows_action !== null) expect(card.text.includes('🔁 Asked again'), 'not that it asks again');
  if (!isFinal(row.state)) return wrong;
  expect(copy.result_posted === told.everything, 'its end was not told');
  if (row.state !== 'succeeded' && row.state !== 'failed') return wrong;
  const replies = world.twin.messages(phone.chat).filter(({ replyTo, byBot }) => byBot && replyTo === copy.message_id);
  expect(
    replies.some(({ text }) => text.startsWith(marks[row.state])),
    'no reply tells how it ended',
  );
  return wrong;
}

/** The verbs that the card of a person offers, from the rows. Nobody is in the middle of two taps. */
async function buttonsFor(
  world: TelegramWorld,
  phone: Phone,
  row: Awaited<ReturnType<TelegramWorld['row']>>,
): Promise<string[]> {
  const me = phone.user.firstName === ana.name ? ana : ben;
  const server = await serverById(world.db, web1);
  const locked = server ? lockOf(server) !== null : false;
  const votes = await world.db.selectFrom('approval').selectAll().where('action_id', '=', row.id).execute();
  const { ask } = JSON.parse(row.policy_json) as { ask: { strength: string } };
  if (row.state === 'awaiting_approval') {
    const mine = votes.some(({ person_id, verdict }) => person_id === me.id && verdict === 'approve');
    return locked || mine || ask.strength !== 'tap' ? ['reject'] : ['reject', 'approve'];
  }
  const stop = ['approved', 'dispatched', 'running'].includes(row.state) && row.stop_requested_at === null;
  const confirm = isConfirming(row) && row.confirm_by !== null && !locked && confirmationsOf(row).given.length === 0;
  return [...(stop ? ['stop'] : []), ...(confirm ? ['confirm'] : [])];
}
