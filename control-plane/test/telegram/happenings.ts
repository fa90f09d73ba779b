/** What may happen to an action whose cards are in two chats, in any order, also what nobody sensible would do. */
import { type ActionResult, Fault } from '@countersign/protocol';
import type { Chance } from '../../../test/simulation/chance.ts';
import { askAgain } from '../../src/actions/ask-again.ts';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { pauseDispatch } from '../../src/actions/pause.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordRefused } from '../../src/actions/record-refused.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { recordStep } from '../../src/actions/record-step.ts';
import { resumeDispatch } from '../../src/actions/resume.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { verbs } from '../../src/approvals/telegram/callback-data.ts';
import { ana, anaAtDashboard, assistant, ben, resultOf, web1 } from '../actions/heart.ts';
import { ed25519Approver, lockWith } from '../actions/locks.ts';
import type { TelegramWorld } from './telegram-world.ts';

export type Phone = Awaited<ReturnType<TelegramWorld['link']>>;

/** The latest of the actions that ask for the same: the one that asked again last. */
export async function latest({ db }: TelegramWorld, actionId: string): Promise<string> {
  const next = await db.selectFrom('action').select('id').where('follows_action', '=', actionId).executeTakeFirst();
  return next?.id ?? actionId;
}

const key = ed25519Approver();
const outcomes: readonly ActionResult['outcome'][] = ['succeeded', 'failed', 'stopped', 'unknown'];

type Happening = (world: TelegramWorld, actionId: string, phone: Phone, chance: Chance) => unknown;

/** A tap is not waited for: what comes next may well come before it. */
const send = (world: TelegramWorld, { user, chat }: Phone, data: string, messageId: number) =>
  void world.twin.tapForged(user, { data, chat, messageId }, { timeoutMs: 1 }).catch(() => undefined);

async function cardIn({ db }: TelegramWorld, { chat }: Phone, actionId: string): Promise<number> {
  const copy = await db
    .selectFrom('telegram_card')
    .select('message_id')
    .where('action_id', '=', actionId)
    .where('chat_id', '=', String(chat.id))
    .executeTakeFirst();
  return copy?.message_id ?? 0;
}

/** The callback data of a card's buttons, as they are now. */
async function dataIn(world: TelegramWorld, phone: Phone, actionId: string) {
  const messageId = await cardIn(world, phone, actionId);
  const buttons = world.twin.message(phone.chat, messageId)?.buttons.flat() ?? [];
  return { messageId, all: buttons.flatMap(({ callback_data: data }) => (data === undefined ? [] : [data])) };
}

/** Taps a button that is there; sometimes it is the second tap. */
const tapButton: Happening = async (world, actionId, phone, chance) => {
  const { messageId, all } = await dataIn(world, phone, actionId);
  if (all.length > 0) send(world, phone, chance.pick(all), messageId);
};

/** Taps, waits for the question as people do, as far as it comes soon, and taps once more. */
const tapTwice: Happening = async (world, actionId, phone, chance) => {
  const { messageId, all } = await dataIn(world, phone, actionId);
  const first = all.filter((data) => !data.includes('reject'));
  if (first.length === 0) return;
  send(world, phone, chance.pick(first), messageId);
  for (let turn = 0; turn < 20 && world.twin.pendingUpdates() > 0; turn += 1) await world.settled();
  const sure = (await dataIn(world, phone, actionId)).all.find((data) => data.includes('_sure'));
  if (sure !== undefined) send(world, phone, sure, messageId);
  await world.settled();
};

/** Taps what an old or a changed app may show. */
const tapAnything: Happening = async (world, actionId, phone, chance) => {
  const { digest } = await world.row(actionId);
  const data = `v1:${chance.pick(verbs)}:${actionId.slice(4)}:${digest.slice(0, 8)}`;
  send(world, phone, data, await cardIn(world, phone, actionId));
};

const approve: Happening = (world, actionId, _phone, chance) =>
  world.answer(actionId, { person: chance.pick([ana, ben]), channel: 'web', strength: 'code', typedServer: 'web-1' });

/** Not too often, so that other things happen to it first. */
const endIt: Happening = (world, actionId, _phone, chance) => {
  if (chance.happens(0.6)) return;
  if (chance.happens(0.5)) return withdraw(world.deps, assistant, actionId);
  return world.answer(actionId, { person: ana, channel: 'web', strength: 'code', verdict: 'reject' });
};

const goOn: Happening = async ({ deps, clock }, actionId, _phone, chance) => {
  await dispatchDue(deps);
  if (chance.happens(0.8)) await recordStarted(deps, web1, { actionId, at: clock.now() });
};

const step: Happening = ({ deps, clock }, actionId, _phone, chance) =>
  recordStep(deps, web1, {
    ...{ actionId, step: 'go', phase: chance.pick(['running', 'checking', 'confirming', 'confirming', 'undoing']) },
    until: clock.now() + 60_000,
  });

const drift: Happening = async ({ deps, clock }, actionId) => {
  await dispatchDue(deps);
  const slots = { reason: 'x', differences: 'a changed\nb changed' };
  await recordRefused(deps, web1, { actionId, fault: { code: 'state_drifted', slots }, at: clock.now() });
  await askAgain(deps, actionId);
};

const pass: Happening = async ({ deps, clock }, _actionId, _phone, chance) => {
  await clock.pass(chance.pick([1_000, 30_000, 200_000]));
  await expireDue(deps);
};

/** Connections break, also the poll that is held. */
const outage: Happening = ({ twin }) => {
  twin.faults.outage(true);
  twin.faults.conflict();
};

const happenings: readonly Happening[] = [
  tapButton,
  tapButton,
  tapTwice,
  tapTwice,
  tapTwice,
  tapTwice,
  tapAnything,
  tapAnything,
  approve,
  endIt,
  goOn,
  goOn,
  goOn,
  step,
  step,
  ({ deps }, actionId, _phone, chance) =>
    recordFinished(deps, web1, { actionId, result: resultOf(chance.pick(outcomes)) }),
  drift,
  pass,
  pass,
  ({ lock }) => lock(lockWith({ ana: [key] })),
  ({ lock }) => lock(null),
  ({ deps }) => pauseDispatch(deps, anaAtDashboard, { stopRunning: false }),
  ({ deps, prove }) => resumeDispatch({ ...deps, prove }, anaAtDashboard, { kind: 'password', password: 'right' }),
  ({ twin }, _actionId, phone) => void twin.sendText(phone.user, phone.chat, '/panic'),
  ({ twin }, _actionId, _phone, chance) =>
    twin.faults.rateLimit(chance.pick(['sendMessage', 'editMessageText']), chance.pick([3, 40]), 1 + chance.below(3)),
  ({ twin }, _actionId, _phone, chance) => twin.faults.serverError('*', 1 + chance.below(3)),
  ({ twin }, _actionId, _phone, chance) =>
    twin.faults.loseAnswer(chance.pick(['editMessageText', 'sendMessage', 'answerCallbackQuery'])),
  ({ twin }) => twin.faults.duplicateUpdates(1),
  ({ twin }) => twin.faults.reorderUpdates(2),
  outage,
  ({ twin }) => twin.faults.outage(false),
  ({ settled }) => settled(),
  ({ settled }) => settled(),
];

/** Where an action may stand already when things begin to happen. */
const beginnings: readonly (readonly Happening[])[] = [
  [],
  [approve],
  [approve, goOn],
  [approve, goOn],
  [approve, goOn, step],
  [approve, goOn, step],
  [approve, drift],
];

/** Brings a new action as far as chance decides. */
export async function begin(world: TelegramWorld, actionId: string, phone: Phone, chance: Chance): Promise<void> {
  for (const happening of chance.pick(beginnings)) await attempt(happening, world, actionId, phone, chance);
}

/** One of them. What is refused is refused: the copies have to tell the truth all the same. */
export function happen(world: TelegramWorld, actionId: string, phone: Phone, chance: Chance): Promise<void> {
  return attempt(chance.pick(happenings), world, actionId, phone, chance);
}

async function attempt(happening: Happening, ...given: Parameters<Happening>): Promise<void> {
  try {
    await happening(...given);
  } catch (error) {
    // Refused, as much of this has to be; anything else is a defect.
    if (!(error instanceof Fault)) throw error;
  }
}
