/** A tap on a card: who tapped, on what, and what becomes of it. Answers within a second, whatever happens. */
import { channelsThatDecide, Fault, fault, riskAtMost, shorten } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { CallbackQuery } from 'grammy/types';
import { appendEntry, type Who, whoIs } from '../../audit/ledger.ts';
import type { Caller } from '../../ports.ts';
import { write } from '../../storage/write.ts';
import { accountOf } from './account.ts';
import type { Arming } from './arming.ts';
import { readCallbackData, type Tapped } from './callback-data.ts';
import type { TelegramAccount } from './claim-link.ts';
import { type LinkedPerson, linkedPerson } from './link.store.ts';
import { objectionToTap, objectionWords } from './sender.ts';
import type { Telegram } from './telegram-deps.ts';

/** What the person sees: a short notice, or (`alert`) one with a button to close it. */
export interface TapAnswer {
  readonly text: string;
  readonly alert: boolean;
}

export interface TapDeps extends Telegram {
  readonly arming: Arming;
  /** Brings the copies of an action's card up to date soon; the one in this chat first. */
  readonly refresh: (actionId: string, chatId: string) => void;
  /** Whether a refusal of this account may be written down once more. */
  readonly mayNote: (telegramId: string) => boolean;
}

const notice = (text: string): TapAnswer => ({ text, alert: false });
const alert = (text: string): TapAnswer => ({ text, alert: true });

/** Carries a tap out and says what to answer. Rejects only for defects of ours. */
export async function takeTap(deps: TapDeps, query: CallbackQuery, botId: number): Promise<TapAnswer> {
  const account = accountOf(query.from);
  const tapped = readCallbackData(query.data ?? '');
  const objection = objectionToTap(query, botId);
  if (objection) {
    await noteRefusal(deps, account, tapped, objectionWords[objection], whoIs('stranger'));
    return alert(objectionWords[objection]);
  }
  const person = await linkedPerson(deps.db, account.id);
  if (!person) {
    const words = 'This Telegram account is not linked to a person who works here.';
    await noteRefusal(deps, account, tapped, words, whoIs('stranger'));
    return alert(`${words} Link it in the dashboard, on its Telegram page.`);
  }
  if (!tapped) return alert('This button is not known any more. Send /pending for what waits for a decision.');
  try {
    return await carryOut(deps, account, person, tapped);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return alert(shorten(`${error.message} ${error.body.next_step}`, 190));
  } finally {
    deps.refresh(tapped.actionId, account.id);
  }
}

async function carryOut(
  deps: TapDeps,
  account: TelegramAccount,
  person: LinkedPerson,
  tapped: Tapped,
): Promise<TapAnswer> {
  const detail = await deps.detailOf(tapped.actionId);
  if (detail.fingerprint !== tapped.fingerprint) {
    const changed = fault('digest_mismatch', { action: detail.id });
    await noteRefusal(deps, account, tapped, changed.message, whoIsPerson(person));
    throw changed;
  }
  const { arming } = deps;
  switch (tapped.verb) {
    case 'back':
      arming.disarm(person.id, detail.id);
      return notice('Nothing was decided.');
    case 'approve':
      if (!asksTwice(detail, person)) return decideNow(deps, person, detail, 'approve', false);
      arming.arm(person.id, detail.id);
      return notice(`This is ${detail.risk} risk: tap once more to confirm.`);
    case 'confirm': {
      const armed = arming.armedFor(person.id, detail.id) > 0;
      if (!armed && asksTwice(detail, person)) return alert('That took too long. Read the card again and tap Approve.');
      return decideNow(deps, person, detail, 'approve', armed);
    }
    case 'reject':
      return decideNow(deps, person, detail, 'reject', false);
  }
}

/** Whether the first tap only asks for the second. Who may not decide, not by a tap, or comes too late, is told so at once. */
function asksTwice(detail: ActionDetail, { role }: LinkedPerson): boolean {
  return (
    detail.state === 'awaiting_approval' &&
    detail.policy.from.includes(role) &&
    channelsThatDecide(detail.policy, detail.lock !== null).includes('telegram') &&
    !riskAtMost(detail.risk, 'medium')
  );
}

async function decideNow(
  deps: TapDeps,
  person: LinkedPerson,
  detail: ActionDetail,
  verdict: 'approve' | 'reject',
  secondTap: boolean,
): Promise<TapAnswer> {
  const { outcome, missing } = await deps.decide({
    actionId: detail.id,
    digest: detail.digest,
    verdict,
    person: { id: person.id, name: person.name },
    channel: 'telegram',
    strength: 'tap',
    secondTap,
  });
  deps.arming.disarm(person.id, detail.id);
  if (outcome === 'rejected') return notice('Rejected. Nothing will run.');
  if (outcome === 'approved') return notice(`Approved for ${detail.server.name}.`);
  return notice(`Your approval counts. ${missing} more ${missing === 1 ? 'is' : 'are'} needed.`);
}

function whoIsPerson({ id, name }: LinkedPerson): Who {
  return { person: { id, name }, token: null, client: 'Telegram', ip: null, by: 'person' };
}

/** A person as the caller of an operation: reads, pauses, and changes nothing else but the own link. */
export function callerOf({ id, name, role }: LinkedPerson): Caller {
  return { person: { id, name, role }, via: 'telegram', token: null, session: null, client: 'Telegram', ip: null };
}

async function noteRefusal(
  deps: TapDeps,
  account: TelegramAccount,
  tapped: Tapped | null,
  message: string,
  who: Who,
): Promise<void> {
  if (!deps.mayNote(account.id)) return;
  const verdict = tapped === null ? null : tapped.verb === 'reject' ? 'reject' : 'approve';
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'approval.refused',
      at: deps.clock.now(),
      who,
      actionId: tapped?.actionId,
      details: { channel: 'telegram', strength: 'tap', verdict, error: 'forbidden', message, telegram_id: account.id },
    }),
  );
}
