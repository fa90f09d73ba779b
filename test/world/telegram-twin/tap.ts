/** Taps on the buttons under the bot's messages. */
import { systemClock } from '@countersign/protocol/clock';
import type { CallbackAnswer } from './callbacks.ts';
import type { StoredMessage, TwinChat, TwinUser } from './chats.ts';
import type { Core } from './core.ts';
import type { InlineButton, InlineKeyboard } from './markup.ts';
import { chatJson, messageJson, userJson } from './message-json.ts';
import { checkMember } from './people.ts';

export interface TapOptions {
  /** How long the person waits for the bot's answer, in real milliseconds: 5,000 by default. */
  readonly timeoutMs?: number;
}

/** A callback query that no Telegram app would send, to see that the bot refuses it. */
export interface ForgedTap {
  readonly data: string;
  /** The message that the query claims to come from; it need not exist. */
  readonly chat?: TwinChat;
  readonly messageId?: number;
  /** Makes it a query from a message sent by way of inline mode. */
  readonly inlineMessageId?: string;
}

const WAIT_MS = 30_000;

/**
 * Taps a button, found by its text or its callback data in the keyboard as it is, or else as it was before an edit (the
 * person's app had not caught up). Resolves with the bot's answer. Rejects when there is no such button, when the button
 * has no callback, when the person is not in the chat, and when the bot does not answer in time.
 */
export function tap(
  core: Core,
  user: TwinUser,
  chat: TwinChat,
  messageId: number,
  button: string,
  options: TapOptions = {},
): Promise<CallbackAnswer> {
  const record = core.chats.record(chat.id);
  checkMember(record, user);
  const message = record.messages.find((candidate) => candidate.messageId === messageId);
  if (message === undefined) throw new Error(`there is no message ${messageId} in "${chat.title}"`);
  const data = dataOf(message, button);
  return query(core, user, { ...origin(core, chat, message), data }, options);
}

/** Sends a callback query as a modified app could. Resolves like `tap`. */
export function tapForged(
  core: Core,
  user: TwinUser,
  forged: ForgedTap,
  options: TapOptions = {},
): Promise<CallbackAnswer> {
  const { data, chat, messageId = 0, inlineMessageId } = forged;
  if (inlineMessageId !== undefined) {
    return query(core, user, { inline_message_id: inlineMessageId, chat_instance: '1', data }, options);
  }
  if (chat === undefined) throw new Error('a forged tap needs a chat or an inline message');
  const message = core.chats.find(chat.id, messageId);
  const from = message === undefined ? inaccessible(core, chat, messageId) : origin(core, chat, message);
  return query(core, user, { ...from, data }, options);
}

async function query(
  core: Core,
  user: TwinUser,
  body: object,
  { timeoutMs = WAIT_MS }: TapOptions,
): Promise<CallbackAnswer> {
  const { id, answer } = core.callbacks.open();
  core.updates.push('callback_query', { id, from: userJson(user), ...body });
  const late = Promise.withResolvers<never>();
  const cancel = systemClock.after(timeoutMs, () =>
    late.reject(new Error(`BOT_RESPONSE_TIMEOUT: the bot did not answer the tap within ${timeoutMs} ms`)),
  );
  return Promise.race([answer, late.promise]).finally(cancel);
}

function dataOf(message: StoredMessage, wanted: string): string {
  const now = message.deleted ? undefined : message.keyboard;
  const keyboards = [now, ...message.earlier.map(({ keyboard }) => keyboard).reverse()];
  const found = keyboards.map((keyboard) => findButton(keyboard, wanted)).find((button) => button !== undefined);
  if (found?.callback_data !== undefined) return found.callback_data;
  const there = (now ?? []).flat().map((button) => `"${button.text}"`);
  if (found !== undefined)
    throw new Error(`the button "${wanted}" opens ${found.url ?? 'something'}, it is no callback`);
  throw new Error(`message ${message.messageId} has no button "${wanted}"; it has ${there.join(', ') || 'none'}`);
}

function findButton(keyboard: InlineKeyboard | undefined, wanted: string): InlineButton | undefined {
  const buttons = (keyboard ?? []).flat();
  return buttons.find((button) => button.text === wanted) ?? buttons.find((button) => button.callback_data === wanted);
}

function origin(core: Core, chat: TwinChat, message: StoredMessage): object {
  if (message.deleted) return inaccessible(core, chat, message.messageId);
  return { message: messageJson(core.chats, message), chat_instance: chatInstance(chat) };
}

/** How Telegram shows a message that the bot may no longer read: with the date 0. */
function inaccessible(core: Core, chat: TwinChat, messageId: number): object {
  return {
    message: { chat: chatJson(core.chats, chat), message_id: messageId, date: 0 },
    chat_instance: chatInstance(chat),
  };
}

function chatInstance(chat: TwinChat): string {
  return String(BigInt(chat.id) * 2_147_483_647n);
}
