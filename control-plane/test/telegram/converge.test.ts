import { type TestContext, test } from 'node:test';
import { isFinal } from '@countersign/protocol';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { told } from '../../src/approvals/telegram/card.store.ts';
import { ana, assistant, ben, resultOf, twoTaps, web1 } from '../actions/heart.ts';
import { type TelegramWorld, telegramWorld, until } from './telegram-world.ts';

/** Sequences per run; the long run asks for more. */
const SEQUENCES = Number(process.env.COUNTERSIGN_TELEGRAM_SEQUENCES ?? 60);
const SEED = Number(process.env.COUNTERSIGN_SEED ?? 1);

/** Mulberry32: small, seeded, good enough to choose among a few things. */
function chance(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (limit: number) => Math.floor(next() * limit),
    one: <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T,
  };
}

type Chance = ReturnType<typeof chance>;
type Seen = ReturnType<TelegramWorld['newest']>;
type Phone = Awaited<ReturnType<TelegramWorld['link']>>;

/** Anything that may happen to an action, also what nobody sensible would do. Refusals are part of it. */
async function happen(world: TelegramWorld, phones: readonly Phone[], actionId: string, dice: Chance): Promise<void> {
  const { twin, deps, clock } = world;
  const phone = dice.one(phones);
  const tapAny = async () => {
    const card: Seen | undefined = dice.one(
      twin.messages(phone.chat).filter(({ replyTo, byBot }) => byBot && replyTo === undefined),
    );
    const reference = `${actionId.slice(4)}:${(await world.row(actionId)).digest.slice(0, 8)}`;
    const verb = dice.one(['approve', 'confirm', 'back', 'reject']);
    const forged = { data: `v1:${verb}:${reference}`, chat: phone.chat, messageId: card?.messageId ?? 0 };
    await twin.tapForged(phone.user, forged, { timeoutMs: 200 });
  };
  const acts: (() => unknown)[] = [
    tapAny,
    tapAny,
    tapAny,
    () => world.answer(actionId, { person: dice.one([ana, ben]), channel: 'web', strength: 'code' }),
    () => world.answer(actionId, { person: ana, channel: 'web', strength: 'code', verdict: 'reject' }),
    () => withdraw(deps, assistant, actionId),
    () => dispatchDue(deps),
    () => recordStarted(deps, web1, { actionId, at: clock.now() }),
    () => recordFinished(deps, web1, { actionId, result: resultOf(dice.one(['succeeded', 'failed', 'unknown'])) }),
    () => clock.pass(dice.one([1_000, 30_000, 200_000])).then(() => expireDue(deps)),
    () => twin.faults.rateLimit(dice.one(['sendMessage', 'editMessageText']), dice.one([3, 40]), 1 + dice.below(3)),
    () => twin.faults.serverError('*', 1 + dice.below(3)),
    () => twin.faults.loseAnswer('editMessageText'),
    () => twin.faults.duplicateUpdates(1),
  ];
  // What is refused is refused: the copies have to tell the truth all the same.
  await Promise.resolve(dice.one(acts)()).catch(() => undefined);
}

/** The copies tell the state that the store holds, and offer nothing that cannot be done any more. */
async function converged(world: TelegramWorld, actionId: string): Promise<boolean> {
  const { state, digest } = await world.row(actionId);
  const copies = await world.db.selectFrom('telegram_card').selectAll().where('action_id', '=', actionId).execute();
  return copies.every((copy) => {
    const all = world.twin.messages({ id: Number(copy.chat_id) } as Phone['chat']);
    const card = all.find(({ messageId }) => messageId === copy.message_id);
    const taps = card?.buttons.flat().filter((button) => button.callback_data !== undefined) ?? [];
    const replies = all.filter(({ replyTo, text }) => replyTo === copy.message_id && text.includes('Restart')).length;
    const mark = { succeeded: '✅', failed: '❌', unknown: '❔', rejected: '❌', withdrawn: '↩️', expired: '⌛' };
    if (card === undefined) return false;
    return (
      card.text.includes(digest.slice(0, 8)) &&
      card.text.includes(mark[state as keyof typeof mark] ?? '') &&
      taps.length > 0 === (state === 'awaiting_approval') &&
      (!isFinal(state) || copy.result_posted === told.everything) &&
      (!['succeeded', 'failed'].includes(state) || replies >= 1)
    );
  });
}

/** A few sequences in one world, so that chats do not grow without end. */
async function run(t: TestContext, from: number, to: number): Promise<void> {
  await using world = await telegramWorld(t, { policy: twoTaps });
  const phones = [await world.link(ben), await world.link(ana)];
  for (let sequence = from; sequence < to; sequence += 1) {
    const dice = chance(SEED * 1_000_003 + sequence);
    const risk = dice.one(['low', 'medium', 'high'] as const);
    const { actionId } = await world.ask({ risk, unit: `u${sequence}` });
    for (let n = 2 + dice.below(8); n > 0; n -= 1) await happen(world, phones, actionId, dice);
    world.twin.faults.clear();
    await until(async () => {
      await world.clock.pass(5_000);
      await world.settled();
      return world.bot.now.state().ok && (await converged(world, actionId));
    }, `sequence ${sequence} of seed ${SEED} converges`);
    // The next one starts with nothing pending, as limits per token ask for.
    await world.answer(actionId, { verdict: 'reject' }).catch(() => undefined);
  }
}

const IN_ONE_WORLD = 50;

test(`when anything happens in any order, with faults between, ${SEQUENCES} times all copies end as the store is (seed ${SEED})`, async (t) => {
  for (let from = 0; from < SEQUENCES; from += IN_ONE_WORLD)
    await run(t, from, Math.min(SEQUENCES, from + IN_ONE_WORLD));
});
