/** The twin's records in the Bot API's JSON. */
import type { ChatRecord, Chats, ForwardOrigin, StoredMessage, TwinChat, TwinUser } from './chats.ts';
import type { JsonObject } from './json-fields.ts';

export function userJson(user: TwinUser): JsonObject {
  return {
    id: user.id,
    is_bot: user.isBot,
    first_name: user.firstName,
    ...(user.lastName === undefined ? {} : { last_name: user.lastName }),
    ...(user.username === undefined ? {} : { username: user.username }),
    ...(user.isBot ? {} : { language_code: 'en' }),
  };
}

/** A chat; a private one carries the names of its person. */
export function chatJson(chats: Chats, chat: TwinChat): JsonObject {
  const username = chat.username === undefined ? {} : { username: chat.username };
  if (chat.kind === 'private') {
    const user = chats.users.get(chat.id);
    const lastName = user?.lastName === undefined ? {} : { last_name: user.lastName };
    return { id: chat.id, first_name: user?.firstName ?? chat.title, ...lastName, ...username, type: 'private' };
  }
  return { id: chat.id, title: chat.title, ...username, ...(chat.forum ? { is_forum: true } : {}), type: chat.kind };
}

/** A message. `withReply` adds the message that it answers, which Telegram does one level deep. */
export function messageJson(chats: Chats, message: StoredMessage, withReply = true): JsonObject {
  const record = chats.record(message.chatId);
  return {
    message_id: message.messageId,
    ...(message.from === undefined ? {} : { from: userJson(message.from) }),
    ...(message.senderChat === undefined ? {} : { sender_chat: chatJson(chats, message.senderChat) }),
    chat: chatJson(chats, record.chat),
    date: message.date,
    ...(message.editDate === undefined ? {} : { edit_date: message.editDate }),
    ...topicJson(record, message),
    ...(message.forward === undefined ? {} : forwardJson(chats, message.forward, message.date)),
    ...(message.automaticForward ? { is_automatic_forward: true } : {}),
    ...(withReply ? replyJson(chats, message) : {}),
    ...contentJson(chats, message),
    ...(message.keyboard === undefined ? {} : { reply_markup: { inline_keyboard: message.keyboard } }),
  };
}

function contentJson(chats: Chats, message: StoredMessage): JsonObject {
  if (message.topicCreated !== undefined) return { forum_topic_created: message.topicCreated };
  const { text, entities } = message.content;
  const list = entities.map((entity) => {
    const user = entity.user === undefined ? undefined : chats.users.get(entity.user.id);
    return user === undefined ? entity : { ...entity, user: userJson(user) };
  });
  if (message.document !== undefined) {
    const { fileName, mimeType, fileId, bytes } = message.document;
    return {
      document: {
        file_name: fileName,
        mime_type: mimeType,
        file_id: fileId,
        file_unique_id: `u${fileId}`,
        file_size: bytes.length,
      },
      ...(text === '' ? {} : { caption: text }),
      ...(list.length === 0 ? {} : { caption_entities: list }),
    };
  }
  const preview = message.linkPreview === undefined ? {} : { link_preview_options: message.linkPreview };
  return { text, ...(list.length === 0 ? {} : { entities: list }), ...preview };
}

function topicJson(record: ChatRecord, message: StoredMessage): JsonObject {
  if (message.threadId === undefined) return {};
  return { message_thread_id: message.threadId, ...(record.chat.forum ? { is_topic_message: true } : {}) };
}

/** In a topic, a message that answers nothing answers the topic's first message. */
function replyJson(chats: Chats, message: StoredMessage): JsonObject {
  const implicit = message.topicCreated === undefined ? message.threadId : undefined;
  const target = message.replyTo ?? implicit;
  const replied = target === undefined ? undefined : chats.find(message.chatId, target);
  return replied === undefined ? {} : { reply_to_message: messageJson(chats, replied, false) };
}

function forwardJson(chats: Chats, origin: ForwardOrigin, date: number): JsonObject {
  const common = { type: origin.type, date };
  if (origin.type === 'user') {
    const user = userJson(origin.user);
    return { forward_origin: { ...common, sender_user: user }, forward_from: user, forward_date: date };
  }
  if (origin.type === 'hidden_user') {
    const name = origin.name;
    return { forward_origin: { ...common, sender_user_name: name }, forward_sender_name: name, forward_date: date };
  }
  const chat = chatJson(chats, origin.chat);
  return {
    forward_origin: { ...common, chat, message_id: origin.messageId },
    forward_from_chat: chat,
    forward_from_message_id: origin.messageId,
    forward_date: date,
  };
}
