/** What people do in Telegram: write, forward, post, join. Each act becomes the update that a bot would get. */
import type {
  ChatRecord,
  ForwardOrigin,
  MemberStatus,
  NewMessage,
  StoredMessage,
  TwinChat,
  TwinUser,
} from './chats.ts';
import type { Core } from './core.ts';
import { chatJson, messageJson, userJson } from './message-json.ts';
import { settleText } from './read-text.ts';

/** All anonymous administrators of all groups appear under this one account. */
export const ANONYMOUS_ADMIN: TwinUser = {
  id: 1_087_968_824,
  firstName: 'Group',
  username: 'GroupAnonymousBot',
  isBot: true,
};
/** People who write in the name of a channel appear under this one. */
const CHANNEL_BOT: TwinUser = { id: 136_817_688, firstName: 'Channel', username: 'Channel_Bot', isBot: true };
/** Posts that Telegram copies into a channel's discussion group come from this one. */
const TELEGRAM: TwinUser = { id: 777_000, firstName: 'Telegram', isBot: false };

const MAX_TEXT = 4096;

export interface SayOptions {
  /** The topic to write into. */
  readonly threadId?: number;
  /** The message that is answered. */
  readonly replyTo?: number;
  /** Writes as an anonymous administrator of the group, or in the name of a channel. */
  readonly as?: 'anonymous_admin' | TwinChat;
}

/** A person or a bot writes a text. Throws when the writer is not in the chat. */
export function say(core: Core, user: TwinUser, chat: TwinChat, text: string, options: SayOptions = {}): StoredMessage {
  const record = core.chats.record(chat.id);
  checkMember(record, user);
  const { as, threadId, replyTo } = options;
  if (chat.kind === 'private') record.opened = true;
  return arrive(core, record, {
    ...senderOf(record, user, as),
    content: settleText({ text, entities: [] }, MAX_TEXT, 'message is too long'),
    ...(threadId === undefined ? {} : { threadId }),
    ...(replyTo === undefined ? {} : { replyTo }),
  });
}

/** A person presses START in the private chat, with a payload from a deep link or without. Ends a block. */
export function start(core: Core, user: TwinUser, payload: string): TwinChat {
  if (!/^[\w-]{0,64}$/.test(payload)) throw new Error('a start payload has at most 64 of A-Z, a-z, 0-9, _ and -');
  const { chat, blocked } = core.chats.record(user.id);
  if (blocked) changeBotStatus(core, user, chat, 'member');
  say(core, user, chat, payload === '' ? '/start' : `/start ${payload}`);
  return chat;
}

/** A person forwards a message. Buttons with callbacks do not travel. */
export function forward(
  core: Core,
  user: TwinUser,
  chat: TwinChat,
  origin: ForwardOrigin,
  text: string,
): StoredMessage {
  const record = core.chats.record(chat.id);
  checkMember(record, user);
  const content = settleText({ text, entities: [] }, MAX_TEXT, 'message is too long');
  return arrive(core, record, { from: user, forward: origin, content });
}

/** A post in a channel, in the name of the channel. */
export function post(core: Core, channel: TwinChat, text: string): StoredMessage {
  const content = settleText({ text, entities: [] }, MAX_TEXT, 'message is too long');
  return arrive(core, core.chats.record(channel.id), { senderChat: channel, content });
}

/** Telegram's own copy of a channel's post in the group where it is discussed. */
export function discuss(core: Core, original: StoredMessage, group: TwinChat): StoredMessage {
  const channel = core.chats.record(original.chatId).chat;
  return arrive(core, core.chats.record(group.id), {
    from: TELEGRAM,
    senderChat: channel,
    forward: { type: 'channel', chat: channel, messageId: original.messageId },
    automaticForward: true,
    content: original.content,
  });
}

/** The bot's own standing in a chat changes: it is added, promoted, removed, or blocked by a person. */
export function changeBotStatus(core: Core, by: TwinUser, chat: TwinChat, status: MemberStatus): void {
  const record = core.chats.record(chat.id);
  const before = record.members.get(core.chats.bot.id) ?? 'left';
  record.members.set(core.chats.bot.id, status);
  if (chat.kind === 'private') record.blocked = status === 'kicked';
  core.chats.changed();
  const bot = userJson(core.chats.bot);
  core.updates.push('my_chat_member', {
    chat: chatJson(core.chats, chat),
    from: userJson(by),
    date: core.chats.now(),
    old_chat_member: { user: bot, status: before },
    new_chat_member: { user: bot, status },
  });
}

/** Throws when this person cannot act in the chat, which would be a mistake in the test. */
export function checkMember(record: ChatRecord, user: TwinUser): void {
  const status = record.members.get(user.id) ?? 'left';
  if (status === 'left' || status === 'kicked') {
    throw new Error(`${user.firstName} is not in the chat "${record.chat.title}"`);
  }
  if (record.blocked) throw new Error(`${user.firstName} has blocked the bot`);
}

function arrive(core: Core, record: ChatRecord, fields: NewMessage): StoredMessage {
  const message = core.chats.add(record, fields);
  if (botSees(core, record, message)) {
    const kind = record.chat.kind === 'channel' ? 'channel_post' : 'message';
    core.updates.push(kind, messageJson(core.chats, message));
  }
  return message;
}

function senderOf(record: ChatRecord, user: TwinUser, as: SayOptions['as']): NewMessage {
  if (as === undefined) return { from: user };
  if (as === 'anonymous_admin') return { from: ANONYMOUS_ADMIN, senderChat: record.chat };
  return { from: CHANNEL_BOT, senderChat: as };
}

/** With privacy on, a plain member gets commands, mentions of it and answers to it. */
function botSees(core: Core, record: ChatRecord, message: StoredMessage): boolean {
  const { bot } = core.chats;
  if (record.chat.kind === 'private') return !record.blocked;
  const status = record.members.get(bot.id);
  if (status === 'administrator') return true;
  if (status !== 'member') return false;
  if (!core.privacy) return true;
  const replied = message.replyTo === undefined ? undefined : core.chats.find(record.chat.id, message.replyTo);
  if (replied?.from?.id === bot.id) return true;
  const { text, entities } = message.content;
  return entities.some(({ type, offset, length }) => {
    const [, addressee] = text.slice(offset, offset + length).split('@');
    if (type === 'bot_command') return addressee === undefined || addressee === bot.username;
    return type === 'mention' && addressee === bot.username;
  });
}
