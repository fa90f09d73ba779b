/**
 * Makes one copy of a card show what is so now: sends it, edits it, and tells the end of a run in a reply. Called again and
 * again; does nothing when nothing is to be done. What a copy shows is known by a hash, so an edit is never sent twice.
 */
import { Fault, isFinal } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { pauseNow } from '../../actions/pause.store.ts';
import { failPoint } from '../../fail-points.ts';
import { write } from '../../storage/write.ts';
import type { Arming } from './arming.ts';
import { type Copy, changeCopy, copyIn, deleteCopy, saveCopy, told } from './card.store.ts';
import type { Job } from './deliveries.ts';
import { type LinkedPerson, linkedPerson } from './link.store.ts';
import { hiddenCard, type RenderedCard, renderCard } from './render-card.ts';
import { renderResult } from './render-result.ts';
import { editCard, sendCard, sendDocument } from './send-card.ts';
import { sendText } from './send-text.ts';
import type { Telegram } from './telegram-deps.ts';
import { troubleOf } from './trouble.ts';

export interface UpToDateDeps extends Telegram {
  readonly arming: Arming;
  /** Chats of people who blocked the bot. */
  readonly closedChats: Set<string>;
  /** When each copy was edited last, by {@link copyKey}; of the monotonic clock. */
  readonly editedAt: Map<string, number>;
  /** Documents that were sent for a card that was not, by {@link copyKey}: the number of the message. */
  readonly documents: Map<string, number>;
}

/** A running action is edited at most this often, milliseconds. */
const PROGRESS_MS = 3_000;

/** Whether this person is asked by a card in Telegram. */
export function isAsked({ policy }: ActionDetail, { role }: Pick<LinkedPerson, 'role'>): boolean {
  return policy.channels.includes('telegram') && policy.from.includes(role);
}

/** Returns after how many milliseconds it has to be called again, if it has to. Rejects when Telegram did not take it. */
export async function bringUpToDate(deps: UpToDateDeps, { actionId, chatId }: Job): Promise<number | undefined> {
  if (deps.closedChats.has(chatId)) return undefined;
  const detail = await detailIfThere(deps, actionId);
  if (!detail) return undefined;
  const person = await linkedPerson(deps.db, chatId);
  const asked = person !== undefined && isAsked(detail, person);
  try {
    const copy = await copyIn(deps.db, actionId, chatId);
    if (!copy) return asked ? await show(deps, detail, person) : undefined;
    return await follow(deps, detail, copy, asked ? person : undefined);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble.kind !== 'chat_closed') throw error;
    deps.closedChats.add(chatId);
    deps.log.info('telegram.chat_closed', { person: person?.id, problem: trouble.words });
    return undefined;
  }
}

async function detailIfThere(deps: UpToDateDeps, actionId: string): Promise<ActionDetail | undefined> {
  try {
    return await deps.detailOf(actionId);
  } catch (error) {
    if (error instanceof Fault && error.code === 'action_not_found') return undefined;
    throw error;
  }
}

async function render(deps: UpToDateDeps, detail: ActionDetail, person: LinkedPerson): Promise<RenderedCard> {
  const { publicUrl } = deps.place;
  const armed = deps.arming.armed(person.id, detail.id)?.verb ?? null;
  return renderCard(detail, { publicUrl, armed, person, pause: await pauseNow(deps.db) });
}

/** A card for somebody who has none yet. Only what waits for a decision is shown anew. */
async function show(deps: UpToDateDeps, detail: ActionDetail, person: LinkedPerson): Promise<undefined> {
  const late = detail.expires_at !== null && Date.parse(detail.expires_at) <= deps.clock.now();
  if (detail.state !== 'awaiting_approval' || late) return;
  const card = await render(deps, detail, person);
  const place = { action_id: detail.id, chat_id: person.telegramId };
  const documentId = await sendDocumentOnce(deps, copyKey(place), person.telegramId, card);
  const before = detail.follows && (await copyIn(deps.db, detail.follows.action, person.telegramId));
  failPoint('telegram.card.before_send');
  const messageId = await sendCard(deps.api, person.telegramId, card, documentId ?? before?.message_id);
  failPoint('telegram.card.after_send');
  deps.documents.delete(copyKey(place));
  const copy = { ...place, message_id: messageId, result_posted: told.nothing, shown_hash: hashOf(card) };
  await write(deps.db, 'telegram.keep_card', (trx) => saveCopy(trx, copy));
}

/** What did not fit on the card goes ahead of it, so that the card with its buttons stands below. */
async function sendDocumentOnce(
  { api, documents }: UpToDateDeps,
  key: string,
  chatId: string,
  { document }: RenderedCard,
): Promise<number | undefined> {
  if (document === null) return undefined;
  const sent = documents.get(key) ?? (await sendDocument(api, chatId, document));
  documents.set(key, sent);
  return sent;
}

/** A copy that is there. `person` is missing when who has this chat may not read it any more. */
async function follow(
  deps: UpToDateDeps,
  detail: ActionDetail,
  copy: Copy,
  person: LinkedPerson | undefined,
): Promise<number | undefined> {
  const card = person ? await render(deps, detail, person) : hiddenCard;
  const hash = hashOf(card);
  if (hash !== copy.shown_hash) {
    const waitMs = person ? waitBeforeEdit(deps, detail, copy, person.id) : 0;
    if (waitMs > 0) return waitMs;
    failPoint('telegram.edit.before_send');
    if (!(await edit(deps, copy, card))) return detail.state === 'awaiting_approval' ? 0 : undefined;
    failPoint('telegram.edit.after_send');
    deps.editedAt.set(copyKey(copy), deps.clock.monotonic());
    await write(deps.db, 'telegram.keep_edit', (trx) => changeCopy(trx, copy, { shown_hash: hash }));
  }
  if (person) await tellNews(deps, detail, copy);
  if (isFinal(detail.state)) {
    await write(deps.db, (trx) => changeCopy(trx, copy, { result_posted: told.everything }));
    deps.editedAt.delete(copyKey(copy));
    return undefined;
  }
  return person && deps.arming.armed(person.id, detail.id)?.forMs;
}

/** Progress is shown at most every three seconds; news of a decision and of the end, and what asks for a tap, at once. */
function waitBeforeEdit({ clock, editedAt, arming }: UpToDateDeps, detail: ActionDetail, copy: Copy, person: string) {
  if (detail.state !== 'running' && detail.state !== 'dispatched') return 0;
  if (detail.confirm_by !== null || arming.armed(person, detail.id) !== null) return 0;
  const last = editedAt.get(copyKey(copy));
  return last === undefined ? 0 : Math.max(0, last + PROGRESS_MS - clock.monotonic());
}

/** Whether the message shows the card now; false when it is gone, and then the copy is forgotten. */
async function edit(deps: UpToDateDeps, copy: Copy, card: RenderedCard): Promise<boolean> {
  try {
    await editCard(deps.api, copy.chat_id, copy.message_id, card);
  } catch (error) {
    const { kind } = troubleOf(error);
    if (kind === 'message_gone') {
      await write(deps.db, (trx) => deleteCopy(trx, copy));
      return false;
    }
    if (kind !== 'not_modified') throw error;
  }
  return true;
}

/** An edit makes no sound: that somebody has to confirm, and how a run ended, is told in a reply to the card, once. */
async function tellNews(deps: UpToDateDeps, detail: ActionDetail, copy: Copy): Promise<void> {
  const step = newsOf(detail);
  if (copy.result_posted >= step) return;
  const text = renderResult(detail);
  failPoint('telegram.result.before_send');
  if (text) await sendText(deps.api, copy.chat_id, text, { replyTo: copy.message_id, name: 'result' });
  failPoint('telegram.result.after_send');
  await write(deps.db, 'telegram.keep_result', (trx) => changeCopy(trx, copy, { result_posted: step }));
}

function newsOf({ state, confirm_by, confirmed_by }: ActionDetail): number {
  if (isFinal(state)) return told.everything;
  if (state === 'unknown') return told.unknown;
  return confirm_by !== null && confirmed_by.length === 0 ? told.confirm : told.nothing;
}

function copyKey({ action_id, chat_id }: Pick<Copy, 'action_id' | 'chat_id'>): string {
  return `${action_id} ${chat_id}`;
}

function hashOf({ text, keyboard }: RenderedCard): string {
  return digestOf({ text: text.text, entities: text.entities, keyboard: keyboard?.inline_keyboard ?? [] });
}
