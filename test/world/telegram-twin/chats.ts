/** Everything that Telegram remembers: accounts, chats and the messages in them. */
import type { Clock } from '@countersign/protocol/clock';
import type { Entity, FormattedText } from './entities.ts';
import type { InlineKeyboard } from './markup.ts';

export interface TwinUser {
  readonly id: number;
  readonly firstName: string;
  readonly lastName?: string;
  readonly username?: string;
  readonly isBot: boolean;
}

export interface TwinChat {
  readonly id: number;
  readonly kind: 'private' | 'group' | 'supergroup' | 'channel';
  /** For a private chat, the name of the person. */
  readonly title: string;
  readonly username?: string;
  readonly forum: boolean;
}

export type MemberStatus = 'creator' | 'administrator' | 'member' | 'left' | 'kicked';

export interface TwinDocument {
  readonly fileName: string;
  readonly mimeType: string;
  readonly bytes: Buffer;
  readonly fileId: string;
}

/** Where a forwarded message came from. */
export type ForwardOrigin =
  | { readonly type: 'user'; readonly user: TwinUser }
  | { readonly type: 'hidden_user'; readonly name: string }
  | { readonly type: 'channel'; readonly chat: TwinChat; readonly messageId: number };

/** A message as it is kept. Only `Chats` changes one. */
export interface StoredMessage {
  readonly chatId: number;
  readonly messageId: number;
  readonly from?: TwinUser;
  readonly senderChat?: TwinChat;
  /** Unix time in seconds. */
  readonly date: number;
  readonly threadId?: number;
  readonly replyTo?: number;
  readonly forward?: ForwardOrigin;
  readonly automaticForward?: boolean;
  readonly topicCreated?: { readonly name: string; readonly icon_color: number };
  readonly document?: TwinDocument;
  readonly silent: boolean;
  content: FormattedText;
  keyboard: InlineKeyboard | undefined;
  linkPreview: Record<string, unknown> | undefined;
  editDate: number | undefined;
  deleted: boolean;
  /** What it was before each edit, oldest first. */
  readonly earlier: { readonly content: FormattedText; readonly keyboard: InlineKeyboard | undefined }[];
}

export type NewMessage = Partial<Omit<StoredMessage, 'chatId' | 'messageId' | 'date' | 'earlier'>>;

export interface ChatRecord {
  readonly chat: TwinChat;
  readonly members: Map<number, MemberStatus>;
  readonly topics: Map<number, { name: string; icon_color: number }>;
  readonly messages: StoredMessage[];
  /** Private chats: whether the person ever started the bot, and whether the person blocked it since. */
  opened: boolean;
  blocked: boolean;
  /** What the bot says it is doing, from `sendChatAction`. */
  action: string | undefined;
}

export const NO_TEXT: FormattedText = { text: '', entities: [] as readonly Entity[] };

// The first message of a supergroup tells of its making; in a forum, its number stands for the topic "General".
const FIRST_IN_SUPERGROUP = 2;

export class Chats {
  readonly bot: TwinUser;
  readonly users = new Map<number, TwinUser>();
  readonly records = new Map<number, ChatRecord>();
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** Private chats and basic groups share one counter, since their messages are numbered per account. */
  #shared = 100;
  #files = 0;

  constructor(bot: TwinUser, clock: Clock) {
    this.bot = bot;
    this.#clock = clock;
    this.users.set(bot.id, bot);
  }

  /** Calls the listener after every change; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Unix time in whole seconds. */
  now(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  open(chat: TwinChat, members: Iterable<readonly [number, MemberStatus]>): ChatRecord {
    const record: ChatRecord = {
      chat,
      members: new Map(members),
      topics: new Map(),
      messages: [],
      opened: chat.kind !== 'private',
      blocked: false,
      action: undefined,
    };
    this.records.set(chat.id, record);
    this.changed();
    return record;
  }

  /** The record of a chat. Throws when the test never made it. */
  record(chatId: number): ChatRecord {
    const record = this.records.get(chatId);
    if (record === undefined) throw new Error(`the twin has no chat ${chatId}`);
    return record;
  }

  find(chatId: number, messageId: number): StoredMessage | undefined {
    return this.records.get(chatId)?.messages.find((message) => message.messageId === messageId && !message.deleted);
  }

  add(record: ChatRecord, fields: NewMessage): StoredMessage {
    const message: StoredMessage = {
      content: NO_TEXT,
      keyboard: undefined,
      linkPreview: undefined,
      editDate: undefined,
      silent: false,
      ...fields,
      chatId: record.chat.id,
      messageId: this.#nextId(record),
      date: this.now(),
      deleted: false,
      earlier: [],
    };
    record.messages.push(message);
    if (message.from?.id === this.bot.id) record.action = undefined;
    this.changed();
    return message;
  }

  /** Opens a topic in a forum, whose id is that of its first message. */
  addTopic(record: ChatRecord, topic: { name: string; icon_color: number }): number {
    // Numbers in a supergroup have no gaps, and so the first message knows its own before it is there.
    const threadId = FIRST_IN_SUPERGROUP + record.messages.length;
    record.topics.set(threadId, topic);
    this.add(record, { from: this.bot, threadId, topicCreated: topic });
    return threadId;
  }

  edit(message: StoredMessage, change: Partial<Pick<StoredMessage, 'content' | 'keyboard' | 'linkPreview'>>): void {
    message.earlier.push({ content: message.content, keyboard: message.keyboard });
    Object.assign(message, change, { editDate: this.now() });
    this.changed();
  }

  remove(message: StoredMessage): void {
    message.deleted = true;
    this.changed();
  }

  /** A new number for an uploaded file. */
  nextFile(): number {
    this.#files += 1;
    return this.#files;
  }

  #nextId(record: ChatRecord): number {
    if (record.chat.kind === 'supergroup' || record.chat.kind === 'channel') {
      return FIRST_IN_SUPERGROUP + record.messages.length;
    }
    this.#shared += 1;
    return this.#shared;
  }
}
