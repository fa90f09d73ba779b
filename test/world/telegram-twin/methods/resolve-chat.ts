/** From `chat_id` and `message_id` to the twin's records, with Telegram's refusals. */
import type { ChatRecord, Chats, StoredMessage } from '../chats.ts';
import type { Parameters } from '../parameters.ts';
import { badRequest, forbidden } from '../telegram-error.ts';

/** `read` is enough to look at a chat; `write` is needed to send, edit and delete. */
export type Access = 'read' | 'write';

/** The chat that `chat_id` names: a number, or `@username` of a group or channel. */
export function resolveChat(chats: Chats, chatId: string, access: Access): ChatRecord {
  if (chatId === '') throw badRequest('chat_id is empty');
  const record = chatId.startsWith('@') ? byUsername(chats, chatId.slice(1)) : chats.records.get(Number(chatId));
  if (record === undefined) throw badRequest('chat not found');
  if (record.chat.kind === 'private') checkPrivate(chats, record, access);
  else checkMembership(chats, record, access);
  return record;
}

/** The message that `message_id` names. `what` is how Telegram calls it, for instance "message to edit". */
export function resolveMessage(record: ChatRecord, parameters: Parameters, what: string): StoredMessage {
  const id = Number(parameters.text('message_id'));
  const message = record.messages.find((candidate) => candidate.messageId === id && !candidate.deleted);
  if (message === undefined) throw badRequest(`${what} not found`);
  return message;
}

/** Refuses when the person has blocked the bot, which the Bot API learns last. */
export function checkNotBlocked(record: ChatRecord): void {
  if (record.blocked) throw forbidden('bot was blocked by the user');
}

/** Whether the bot may manage the chat. */
export function botIsAdministrator(chats: Chats, record: ChatRecord): boolean {
  return record.members.get(chats.bot.id) === 'administrator';
}

function byUsername(chats: Chats, username: string): ChatRecord | undefined {
  const wanted = username.toLowerCase();
  return [...chats.records.values()].find(
    ({ chat }) => chat.kind !== 'private' && chat.username?.toLowerCase() === wanted,
  );
}

function checkPrivate(chats: Chats, record: ChatRecord, access: Access): void {
  const isBot = chats.users.get(record.chat.id)?.isBot === true;
  if (isBot && access === 'write') throw forbidden("bot can't send messages to bots");
  if (record.opened) return;
  const groups = [...chats.records.values()].filter(({ chat }) => chat.kind !== 'private');
  const met = groups.some(({ members }) => members.has(record.chat.id) && members.has(chats.bot.id));
  if (!met) throw badRequest('chat not found');
  if (access === 'write') throw forbidden("bot can't initiate conversation with a user");
}

function checkMembership(chats: Chats, record: ChatRecord, access: Access): void {
  const status = record.members.get(chats.bot.id) ?? 'left';
  const kind = `${record.chat.kind} chat`;
  if (status === 'kicked') throw forbidden(`bot was kicked from the ${kind}`);
  const isOpenToAll = record.chat.username !== undefined && access === 'read';
  if (status === 'left' && !isOpenToAll) throw forbidden(`bot is not a member of the ${kind}`);
  if (record.chat.kind === 'channel' && access === 'write' && status !== 'administrator') {
    throw badRequest('need administrator rights in the channel chat');
  }
}
