/**
 * Whether an update comes from one person's own account, in the private chat with the bot. Pure. Authority never comes from
 * being in a chat, and never from an account that several people or programs share.
 */
import type { CallbackQuery, Message, User } from 'grammy/types';

/** Why somebody's tap or message is not looked at any further. */
export type Objection =
  | 'bot'
  | 'shared_account'
  | 'inline_message'
  | 'not_private'
  | 'forwarded'
  | 'not_our_message'
  | 'message_too_old';

/** Accounts that stand for anonymous administrators, for channels, and for Telegram itself. */
const SHARED: ReadonlySet<number> = new Set([1_087_968_824, 136_817_688, 777_000]);

/** The objection to a tap, or null. `botId` is our own account. */
export function objectionToTap(query: CallbackQuery, botId: number): Objection | null {
  const { from, message } = query;
  const account = objectionToAccount(from);
  if (account) return account;
  if (message === undefined) return 'inline_message';
  if (message.chat.type !== 'private' || message.chat.id !== from.id) return 'not_private';
  // Telegram says so, with the date 0, of messages that it does not show to the bot any more.
  if (message.date === 0) return 'message_too_old';
  if ('forward_origin' in message && message.forward_origin !== undefined) return 'forwarded';
  if (!('from' in message) || message.from?.id !== botId) return 'not_our_message';
  return null;
}

/** The objection to a message, or null. */
export function objectionToMessage(message: Message): Objection | null {
  const { from, chat } = message;
  if (from === undefined || message.sender_chat !== undefined) return 'shared_account';
  const account = objectionToAccount(from);
  if (account) return account;
  if (chat.type !== 'private' || chat.id !== from.id) return 'not_private';
  if (message.forward_origin !== undefined || message.via_bot !== undefined) return 'forwarded';
  return null;
}

function objectionToAccount(from: User): Objection | null {
  if (SHARED.has(from.id)) return 'shared_account';
  return from.is_bot ? 'bot' : null;
}

/** What the objection means, for whom it concerns. At most 200 characters, as an answer to a tap may have. */
export const objectionWords: Readonly<Record<Objection, string>> = {
  bot: 'Bots cannot decide.',
  shared_account: 'Nobody can tell who taps here. Decide from your own account, in your private chat with this bot.',
  inline_message: 'Decisions count only in your private chat with this bot.',
  not_private: 'Decisions count only in your own private chat with this bot.',
  forwarded: 'This is a forwarded copy. Decide in your private chat with this bot.',
  not_our_message: 'This card is not ours. Send /pending for what waits for a decision.',
  message_too_old: 'This card is too old. Send /pending for what waits for a decision.',
};
