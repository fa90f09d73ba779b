/** A tap on a card: who tapped, on what, and what becomes of it. Answers within a second, whatever happens. */
import { Fault, fault, riskAtMost, shorten } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { CallbackQuery } from 'grammy/types';
import { roleAtLeast } from '../../access/permissions.ts';
import { whoIs } from '../../audit/ledger.ts';
import { cardOf } from '../card.ts';
import { accountOf } from './account.ts';
import type { Arming, TwoTapVerb } from './arming.ts';
import { readCallbackData, type Tapped } from './callback-data.ts';
import { callerOf, whoIsPerson } from './caller.ts';
import { offers } from './card-keyboard.ts';
import type { TelegramAccount } from './claim-link.ts';
import { type LinkedPerson, linkedPerson } from './link.store.ts';
import { noteRefusedCommand, noteRefusedTap, type RefusalDeps } from './note-refusal.ts';
import { objectionToTap, objectionWords } from './sender.ts';
import type { Telegram } from './telegram-deps.ts';

/** What the person sees: a short notice, or (`alert`) one with a button to close it. */
export interface TapAnswer {
  readonly text: string;
  readonly alert: boolean;
}

export interface TapDeps extends Telegram, RefusalDeps {
  readonly arming: Arming;
  /** Brings the copies of an action's card up to date soon; the one in this chat first. */
  readonly refresh: (actionId: string, chatId: string) => void;
}

export const notice = (text: string): TapAnswer => ({ text, alert: false });
export const alert = (text: string): TapAnswer => ({ text, alert: true });

/** Carries a tap out and says what to answer. Rejects only for defects of ours. */
export async function takeTap(deps: TapDeps, query: CallbackQuery, botId: number): Promise<TapAnswer> {
  const account = accountOf(query.from);
  const tapped = readCallbackData(query.data ?? '');
  const objection = objectionToTap(query, botId);
  if (objection) {
    await noteRefusedTap(deps, account, tapped, objectionWords[objection], whoIs('stranger'));
    return alert(objectionWords[objection]);
  }
  const person = await linkedPerson(deps.db, account.id);
  if (!person) {
    const words = 'This Telegram account is not linked to a person who works here.';
    await noteRefusedTap(deps, account, tapped, words, whoIs('stranger'));
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
    await noteRefusedTap(deps, account, tapped, changed.message, whoIsPerson(person));
    throw changed;
  }
  switch (tapped.verb) {
    case 'back':
      deps.arming.disarm(person.id, detail.id);
      return notice('Nothing was done.');
    case 'approve':
      return asksTwice(detail, person)
        ? arm(deps, person, detail, 'approve')
        : decideNow(deps, person, detail, 'approve');
    case 'approve_sure':
      return sure(deps, person, detail, 'approve') ?? decideNow(deps, person, detail, 'approve', true);
    case 'reject':
      return decideNow(deps, person, detail, 'reject');
    default:
      return actNow(deps, account, person, detail, tapped.verb);
  }
}

/** Stopping and confirming: never by one tap, and only by those who may approve. */
async function actNow(
  deps: TapDeps,
  account: TelegramAccount,
  person: LinkedPerson,
  detail: ActionDetail,
  verb: 'stop' | 'stop_sure' | 'confirm' | 'confirm_sure',
): Promise<TapAnswer> {
  const what = verb.startsWith('stop') ? 'stop' : 'confirm';
  if (!roleAtLeast(person.role, 'approver')) {
    await noteRefusedCommand(deps, account, what, person.role, whoIsPerson(person));
    throw fault('forbidden', { what: `${what}Action` });
  }
  const offered = isOffered(detail, person, what);
  if (verb === what && offered) return arm(deps, person, detail, what);
  const refused = verb === what ? null : sure(deps, person, detail, what);
  if (refused) return refused;
  deps.arming.disarm(person.id, detail.id);
  return what === 'stop' ? stopNow(deps, person, detail, offered) : confirmNow(deps, person, detail);
}

async function stopNow(
  deps: TapDeps,
  person: LinkedPerson,
  detail: ActionDetail,
  offered: boolean,
): Promise<TapAnswer> {
  if (detail.stop_requested_at !== null) return notice('It was asked to stop already.');
  // What still waits for a decision is rejected, not stopped.
  if (!offered) throw fault('nothing_to_stop', { action: detail.id, state: detail.state });
  const state = await deps.stop(callerOf(person), detail.id);
  return notice(
    state === 'withdrawn' ? 'Stopped before it was sent. Nothing ran.' : `${detail.server.name} is asked to stop it.`,
  );
}

async function confirmNow(deps: TapDeps, person: LinkedPerson, detail: ActionDetail): Promise<TapAnswer> {
  await deps.confirm(callerOf(person), detail.id);
  return notice(`Confirmed. ${detail.server.name} is being told.`);
}

/** Whether the first tap only asks for the second. Who may not decide, not by a tap, or comes too late, is told so at once. */
function asksTwice(detail: ActionDetail, person: LinkedPerson): boolean {
  return isOffered(detail, person, 'approve') && !riskAtMost(detail.risk, 'medium');
}

function isOffered(detail: ActionDetail, person: LinkedPerson, verb: TwoTapVerb): boolean {
  return offers[verb](detail, { person, mustOpen: cardOf(detail).mustOpen !== null });
}

function arm({ arming }: TapDeps, person: LinkedPerson, detail: ActionDetail, verb: TwoTapVerb): TapAnswer {
  arming.arm(person.id, detail.id, verb);
  const words = {
    approve: `This is ${detail.risk} risk: tap once more to confirm.`,
    confirm: `Can you reach ${detail.server.name}? Tap once more to keep the change.`,
    stop: 'Stop it? Tap once more.',
  };
  return notice(words[verb]);
}

/** Null when the second tap comes in time after the first; else what to say. */
function sure({ arming }: TapDeps, person: LinkedPerson, detail: ActionDetail, verb: TwoTapVerb): TapAnswer | null {
  if (arming.armed(person.id, detail.id)?.verb === verb) return null;
  if (verb === 'approve' && !asksTwice(detail, person)) return null;
  return alert(`That took too long. Read the card again and tap ${verb[0]?.toUpperCase()}${verb.slice(1)}.`);
}

async function decideNow(
  deps: TapDeps,
  person: LinkedPerson,
  detail: ActionDetail,
  verdict: 'approve' | 'reject',
  second = false,
): Promise<TapAnswer> {
  const { outcome, missing } = await deps.decide({
    actionId: detail.id,
    digest: detail.digest,
    verdict,
    person: { id: person.id, name: person.name },
    channel: 'telegram',
    strength: 'tap',
    secondTap: second && deps.arming.armed(person.id, detail.id)?.verb === 'approve',
  });
  deps.arming.disarm(person.id, detail.id);
  if (outcome === 'rejected') return notice('Rejected. Nothing will run.');
  if (outcome === 'approved') return notice(`Approved for ${detail.server.name}.`);
  return notice(`Your approval counts. ${missing} more ${missing === 1 ? 'is' : 'are'} needed.`);
}
