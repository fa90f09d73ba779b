/** What a person sees: the messages of a chat as they are now, and waiting for one to come or to change. */
import { type Cancel, systemClock } from '@countersign/protocol/clock';
import type { Chats, StoredMessage, TwinDocument, TwinUser } from './chats.ts';
import type { Entity, FormattedText } from './entities.ts';
import type { InlineKeyboard } from './markup.ts';
import { renderHtml } from './render-html.ts';

/** A message at one moment; later edits do not change this object. */
export interface TwinMessage {
  readonly chatId: number;
  readonly messageId: number;
  readonly from: TwinUser | undefined;
  readonly byBot: boolean;
  /** The text, or the caption of a document. */
  readonly text: string;
  /** The same in Telegram's HTML. */
  readonly html: string;
  readonly entities: readonly Entity[];
  /** Rows of buttons; empty when there is no keyboard. */
  readonly buttons: InlineKeyboard;
  /** The Bot API's `reply_markup`. */
  readonly replyMarkup: { readonly inline_keyboard: InlineKeyboard } | undefined;
  readonly edits: number;
  /** The HTML before each edit, oldest first. */
  readonly earlierHtml: readonly string[];
  readonly document: TwinDocument | undefined;
  readonly replyTo: number | undefined;
  readonly threadId: number | undefined;
  readonly forwarded: boolean;
  readonly silent: boolean;
  readonly linkPreview: Record<string, unknown> | undefined;
  /** Unix time in seconds. */
  readonly date: number;
  readonly editDate: number | undefined;
}

/** What to wait for: a condition, or a text that the message's own text must contain or match. */
export type Wanted = string | RegExp | ((message: TwinMessage) => boolean);

export interface WaitOptions {
  /** Real milliseconds: 5,000 by default. */
  readonly timeoutMs?: number;
  /** Only the message with this number. */
  readonly messageId?: number;
  /** Only messages with a greater number. */
  readonly after?: number;
  /** Only messages edited more often than this: 0 by default when an edit is waited for. */
  readonly moreEditsThan?: number;
}

const WAIT_MS = 30_000;

/** All messages of a chat that were not deleted, oldest first. */
export function look(chats: Chats, chatId: number): TwinMessage[] {
  return chats
    .record(chatId)
    .messages.filter((message) => !message.deleted)
    .map((message) => seen(chats, message));
}

/** One message as it is now; undefined when it is not there, or deleted. */
export function lookAt(chats: Chats, chatId: number, messageId: number): TwinMessage | undefined {
  const message = chats.find(chatId, messageId);
  return message && seen(chats, message);
}

/** The first message that fits, whether it is there already or comes later. Rejects with what is there instead. */
export function waitForMessage(
  chats: Chats,
  chatId: number,
  wanted: Wanted,
  options: WaitOptions = {},
): Promise<TwinMessage> {
  const { timeoutMs = WAIT_MS, messageId, after = 0, moreEditsThan = -1 } = options;
  const isMeant = (message: TwinMessage) => messageId === undefined || message.messageId === messageId;
  const probe = () =>
    look(chats, chatId)
      .filter((message) => isMeant(message) && message.messageId > after && message.edits > moreEditsThan)
      .find((message) => fits(message, wanted));
  const describe = () =>
    `no message ${nameOf(wanted)} came within ${timeoutMs} ms; the chat holds:\n${list(chats, chatId)}`;
  return waitUntil((listener) => chats.onChange(listener), probe, timeoutMs, describe);
}

/** Waits until `probe` finds something; asks again after each change. Rejects after `timeoutMs` real milliseconds. */
export function waitUntil<T>(
  onChange: (listener: () => void) => Cancel,
  probe: () => T | undefined,
  timeoutMs: number,
  describe: () => string,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const check = () => {
    try {
      const found = probe();
      if (found !== undefined) resolve(found);
    } catch (error) {
      reject(error);
    }
  };
  const stop = onChange(check);
  const cancel = systemClock.after(timeoutMs, () => reject(new Error(describe())));
  check();
  return promise.finally(() => {
    stop();
    cancel();
  });
}

function seen(chats: Chats, message: StoredMessage): TwinMessage {
  return {
    chatId: message.chatId,
    messageId: message.messageId,
    from: message.from,
    byBot: message.from?.id === chats.bot.id,
    text: message.content.text,
    html: renderHtml(message.content),
    entities: message.content.entities,
    buttons: message.keyboard ?? [],
    replyMarkup: message.keyboard === undefined ? undefined : { inline_keyboard: message.keyboard },
    edits: message.earlier.length,
    earlierHtml: message.earlier.map(({ content }: { content: FormattedText }) => renderHtml(content)),
    document: message.document,
    replyTo: message.replyTo,
    threadId: message.threadId,
    forwarded: message.forward !== undefined,
    silent: message.silent,
    linkPreview: message.linkPreview,
    date: message.date,
    editDate: message.editDate,
  };
}

function fits(message: TwinMessage, wanted: Wanted): boolean {
  if (typeof wanted === 'function') return wanted(message);
  return typeof wanted === 'string' ? message.text.includes(wanted) : wanted.test(message.text);
}

function nameOf(wanted: Wanted): string {
  if (typeof wanted === 'function') return `for which ${wanted}`;
  return typeof wanted === 'string' ? `with "${wanted}"` : `matching ${wanted}`;
}

function list(chats: Chats, chatId: number): string {
  const lines = look(chats, chatId).map((message) => {
    const buttons = message.buttons.flat().map((button) => `[${button.text}]`);
    return `  ${message.messageId} ${message.from?.firstName ?? 'channel'} (${message.edits} edits): ${message.text} ${buttons.join(' ')}`;
  });
  return lines.join('\n') || '  nothing';
}
