/** editMessageText, editMessageReplyMarkup, deleteMessage, answerCallbackQuery. */
import { isDeepStrictEqual } from 'node:util';
import type { ChatRecord, StoredMessage } from '../chats.ts';
import type { Core, Method } from '../core.ts';
import { checkKeyboard, readInlineKeyboard } from '../markup.ts';
import { messageJson } from '../message-json.ts';
import type { Parameters } from '../parameters.ts';
import { readText, settleText } from '../read-text.ts';
import { badRequest } from '../telegram-error.ts';
import { botIsAdministrator, checkNotBlocked, resolveChat, resolveMessage } from './resolve-chat.ts';
import { MAX_TEXT, readLinkPreview } from './send-messages.ts';

const DELETE_WITHIN_SECONDS = 48 * 3600;
const MAX_ANSWER = 200;
const MAX_CACHE_SECONDS = 30 * 24 * 3600;
const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

/** The methods that change what is there. */
export function changeMethods(core: Core): Record<string, Method> {
  return {
    editMessageText: ({ parameters }) => {
      if (parameters.text('text') === '') throw badRequest('Message text is empty');
      const given = readText(parameters, 'text', 'entities');
      const linkPreview = readLinkPreview(parameters);
      const keyboard = readInlineKeyboard(parameters, true);
      const message = messageToEdit(core, parameters);
      if (message.document !== undefined) throw badRequest('there is no text in the message to edit');
      const content = settleText(given, MAX_TEXT, 'message is too long');
      if (content.text === '') throw badRequest('Text must be non-empty');
      return edit(core, message, { content, keyboard, linkPreview });
    },
    editMessageReplyMarkup: ({ parameters }) => {
      const keyboard = readInlineKeyboard(parameters, true);
      return edit(core, messageToEdit(core, parameters), { keyboard });
    },
    deleteMessage: ({ parameters }) => {
      if (parameters.text('chat_id') === '') throw badRequest('Chat identifier is not specified');
      if (parameters.integer('message_id', 0, 0, Number.MAX_SAFE_INTEGER) === 0) {
        throw badRequest('Message identifier is not specified');
      }
      const record = resolveChat(core.chats, parameters.text('chat_id'), 'write');
      const message = resolveMessage(record, parameters, 'message to delete');
      checkDeletable(core, record, message);
      core.chats.remove(message);
      return true;
    },
    answerCallbackQuery: ({ parameters }) => {
      const text = parameters.text('text');
      if ([...text].length > MAX_ANSWER) throw badRequest('MESSAGE_TOO_LONG');
      const url = parameters.text('url');
      if (url !== '' && !/^https:\/\/t\.me\/\w+\?(?:start|startapp)=/i.test(url)) throw badRequest('URL_INVALID');
      parameters.integer('cache_time', 0, 0, MAX_CACHE_SECONDS);
      const answer = { text, showAlert: parameters.flag('show_alert') };
      core.callbacks.answer(parameters.text('callback_query_id'), url === '' ? answer : { ...answer, url });
      return true;
    },
  };
}

function messageToEdit(core: Core, parameters: Parameters): StoredMessage {
  if (parameters.text('chat_id') === '' && parameters.text('message_id') === '') {
    // Inline messages exist in other people's chats only; the twin's bot can have sent none.
    throw badRequest(
      parameters.text('inline_message_id') === '' ? 'Message identifier is not specified' : 'MESSAGE_ID_INVALID',
    );
  }
  const record = resolveChat(core.chats, parameters.text('chat_id'), 'write');
  const message = resolveMessage(record, parameters, 'message to edit');
  const isOwn =
    message.from?.id === core.chats.bot.id || (record.chat.kind === 'channel' && message.from === undefined);
  if (!isOwn || message.forward !== undefined || message.topicCreated !== undefined) {
    throw badRequest("message can't be edited");
  }
  checkNotBlocked(record);
  return message;
}

function edit(
  core: Core,
  message: StoredMessage,
  change: Partial<Pick<StoredMessage, 'content' | 'keyboard' | 'linkPreview'>>,
): unknown {
  checkKeyboard(change.keyboard);
  const before = { content: message.content, keyboard: message.keyboard, linkPreview: message.linkPreview };
  if (isDeepStrictEqual(before, { ...before, ...change })) throw badRequest(NOT_MODIFIED);
  core.chats.edit(message, change);
  return messageJson(core.chats, message);
}

/** In a private chat the bot may delete both sides' messages; elsewhere only its own, unless it is an administrator. */
function checkDeletable(core: Core, record: ChatRecord, message: StoredMessage): void {
  if (botIsAdministrator(core.chats, record)) return;
  const isOwn = message.from?.id === core.chats.bot.id;
  if (!isOwn && record.chat.kind !== 'private') throw badRequest("message can't be deleted");
  if (core.chats.now() - message.date > DELETE_WITHIN_SECONDS)
    throw badRequest("message can't be deleted for everyone");
}
