/**
 * What happens with an update: it is noted first, so that one that Telegram gives twice is handled once, and then goes to
 * the tap, the message, or the news that somebody blocked the bot. A tap is answered within a second.
 */
import { delay, Fault } from '@countersign/protocol';
import type { CallbackQuery, ChatMemberUpdated, Message, Update } from 'grammy/types';
import { write } from '../../storage/write.ts';
import { readCallbackData } from './callback-data.ts';
import { callerOf } from './caller.ts';
import { copyIn, saveCopy } from './card.store.ts';
import { linkedPerson } from './link.store.ts';
import { isPanicData, takePanicTap } from './panic.ts';
import { removeLink } from './remove-link.ts';
import { sendText } from './send-text.ts';
import { objectionToTap } from './sender.ts';
import { type MessageDeps, takeMessage, unlinkData } from './take-message.ts';
import { type TapAnswer, type TapDeps, takeTap } from './take-tap.ts';
import { troubleOf } from './trouble.ts';
import { noteUpdate } from './update.store.ts';
import { lines } from './words.ts';

export interface BotDeps extends TapDeps, MessageDeps {
  /** Who we are, from Telegram. */
  readonly me: () => { readonly id: number; readonly username: string };
  /** A person blocked the bot (`false`) or is there again. */
  readonly chatOpen: (chatId: string, open: boolean) => void;
  /** The person of this chat unlinked it. */
  readonly linkEnded: (chatId: string) => void;
}

const noPreview = { link_preview_options: { is_disabled: true } } as const;

/** How long a tap may wait for its verdict before the person is told that it is being worked on, milliseconds. */
const ANSWER_MS = 700;

/** Takes one update in. Rejects when it could not be noted: then it has to come again. */
export async function takeUpdate(deps: BotDeps, update: Update): Promise<void> {
  const isNew = await write(deps.db, 'telegram.note_update', (trx) =>
    noteUpdate(trx, update.update_id, deps.clock.now()),
  );
  if (!isNew) return;
  try {
    if (update.callback_query) await answerTap(deps, update.callback_query);
    else if (update.message) await takePlain(deps, update.message);
    else if (update.my_chat_member) noteMembership(deps, update.my_chat_member);
  } catch (error) {
    deps.log.error('telegram.update_failed', { update: update.update_id, error });
  }
}

async function answerTap(deps: BotDeps, query: CallbackQuery): Promise<void> {
  const work = verdictOn(deps, query).catch((error: unknown): TapAnswer => {
    deps.log.error('telegram.tap_failed', { error });
    return { text: 'Something went wrong on our side. Nothing was decided; see the dashboard.', alert: true };
  });
  const patience = new AbortController();
  const late = delay(deps.clock, ANSWER_MS, patience.signal).then(
    () => null,
    () => null,
  );
  const inTime = await Promise.race([work, late]);
  patience.abort();
  const { text, alert } = inTime ?? { text: 'Working on it …', alert: false };
  const answer = () => deps.api.answerCallbackQuery(query.id, { text, show_alert: alert });
  deps.calls.let('answer to a tap', answer().catch(ifDown(answer)));
  if (inTime !== null) return;
  const finished = await work;
  deps.calls.let('late answer', sendText(deps.api, String(query.from.id), lines([finished.text])));
}

/** Once more, when Telegram did not answer: to answer a tap twice does no harm, and the person is waiting. */
function ifDown(again: () => Promise<unknown>): (error: unknown) => Promise<unknown> {
  return (error) => {
    if (troubleOf(error).kind !== 'down') throw error;
    return again();
  };
}

async function verdictOn(deps: BotDeps, query: CallbackQuery): Promise<TapAnswer> {
  if (query.data === unlinkData.yes || query.data === unlinkData.no) return unlink(deps, query);
  if (isPanicData(query.data)) return takePanicTap(deps, query, deps.me().id);
  const answer = await takeTap(deps, query, deps.me().id);
  await lookAfterCopy(deps, query);
  return answer;
}

/** A copy that is not the one we keep (its sending seemed to fail) is adopted, or told to be out of date. */
async function lookAfterCopy(deps: BotDeps, query: CallbackQuery): Promise<void> {
  const tapped = readCallbackData(query.data ?? '');
  const { message } = query;
  if (!tapped || !message || objectionToTap(query, deps.me().id) !== null) return;
  if (!carries(message, query.data ?? '')) return;
  const chatId = String(message.chat.id);
  if (!(await linkedPerson(deps.db, chatId))) return;
  const kept = await copyIn(deps.db, tapped.actionId, chatId);
  if (kept?.message_id === message.message_id) return;
  if (!kept) {
    const found = { action_id: tapped.actionId, chat_id: chatId, message_id: message.message_id };
    const exists = await deps.detailOf(tapped.actionId).catch(() => null);
    if (exists) await write(deps.db, (trx) => saveCopy(trx, { ...found, shown_hash: '', result_posted: 0 }));
    return;
  }
  const old = 'This copy is out of date. Another copy of this card in this chat is the live one.';
  deps.calls.let('old copy', deps.api.editMessageText(chatId, message.message_id, old, noPreview));
}

/** Whether the button is under this very message; it is not under the card of another action, nor where it was edited away. */
function carries(message: NonNullable<CallbackQuery['message']>, data: string): boolean {
  const rows = ('reply_markup' in message ? message.reply_markup?.inline_keyboard : undefined) ?? [];
  return rows.flat().some((button) => 'callback_data' in button && button.callback_data === data);
}

async function unlink(deps: BotDeps, query: CallbackQuery): Promise<TapAnswer> {
  const objected = objectionToTap(query, deps.me().id);
  const person = objected ? undefined : await linkedPerson(deps.db, String(query.from.id));
  if (!person || !query.message) return { text: 'This account is not linked.', alert: true };
  const sure = query.data === unlinkData.yes;
  if (sure) await removeLink(deps, callerOf(person));
  if (sure) deps.linkEnded(person.telegramId);
  const text = sure ? 'This Telegram account is unlinked.' : 'This Telegram account stays linked.';
  deps.calls.let('unlinked', deps.api.editMessageText(person.telegramId, query.message.message_id, text, noPreview));
  return { text, alert: false };
}

async function takePlain(deps: BotDeps, message: Message): Promise<void> {
  if (message.chat.type === 'private') deps.chatOpen(String(message.chat.id), true);
  try {
    await takeMessage(deps, message, deps.me().username);
  } catch (error) {
    const words = error instanceof Fault ? error.message : 'Something went wrong on our side; see the dashboard.';
    if (message.chat.type === 'private' && deps.mayAnswer(String(message.chat.id)))
      deps.calls.let('apology', sendText(deps.api, String(message.chat.id), lines([words])));
    throw error;
  }
}

function noteMembership(deps: BotDeps, { chat, new_chat_member: now }: ChatMemberUpdated): void {
  if (chat.type === 'private') deps.chatOpen(String(chat.id), now.status !== 'kicked');
}
