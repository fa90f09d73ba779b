/** sendMessage, sendDocument, sendChatAction. */
import type { ChatRecord, NewMessage, TwinDocument } from '../chats.ts';
import type { Core, Method, Request } from '../core.ts';
import { isObject, optionalFlag, optionalText, requiredInteger } from '../json-fields.ts';
import { checkKeyboard, readInlineKeyboard } from '../markup.ts';
import { messageJson } from '../message-json.ts';
import type { Parameters } from '../parameters.ts';
import { readText, settleText } from '../read-text.ts';
import { badRequest, TelegramError } from '../telegram-error.ts';
import { checkNotBlocked, resolveChat } from './resolve-chat.ts';

export const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;
const MAX_UPLOAD_BYTES = 50 * 1024 * 1024;
const GENERAL_TOPIC = 1;

const ACTIONS = new Set([
  'typing',
  'cancel',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'record_audio',
  'upload_audio',
  'upload_document',
  'choose_sticker',
  'find_location',
  'pick_up_location',
  'record_video_note',
  'upload_video_note',
]);

const MIME_TYPES = new Map([
  ['txt', 'text/plain'],
  ['log', 'text/plain'],
  ['json', 'application/json'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
  ['pdf', 'application/pdf'],
  ['zip', 'application/zip'],
  ['gz', 'application/gzip'],
]);

/** The methods that put something into a chat. */
export function sendMethods(core: Core): Record<string, Method> {
  return {
    sendMessage: (request) => {
      if (request.parameters.text('text') === '') throw badRequest('Message text is empty');
      const given = readText(request.parameters, 'text', 'entities');
      const linkPreview = readLinkPreview(request.parameters);
      return send(core, request, () => {
        const content = settleText(given, MAX_TEXT, 'message is too long');
        if (content.text === '') throw badRequest('Text must be non-empty');
        return { content, linkPreview };
      });
    },
    sendDocument: (request) => {
      const document = readDocument(core, request.parameters);
      const caption = readText(request.parameters, 'caption', 'caption_entities');
      return send(core, request, () => ({
        content: settleText(caption, MAX_CAPTION, 'message caption is too long'),
        document,
      }));
    },
    sendChatAction: ({ parameters }) => {
      const action = parameters.text('action').toLowerCase();
      if (!ACTIONS.has(action)) throw badRequest('Wrong parameter action in request');
      const record = resolveChat(core.chats, parameters.text('chat_id'), 'write');
      checkNotBlocked(record);
      record.action = action === 'cancel' ? undefined : action;
      core.chats.changed();
      return true;
    },
  };
}

/** `link_preview_options` as it is kept, or undefined. */
export function readLinkPreview(parameters: Parameters): Record<string, unknown> | undefined {
  const options = parameters.json('link_preview_options', "Can't parse link preview options JSON object");
  if (options === undefined) return parameters.flag('disable_web_page_preview') ? { is_disabled: true } : undefined;
  if (!isObject(options)) throw badRequest('Object expected as link preview options');
  const url = optionalText(options, 'url');
  const flags = ['is_disabled', 'prefer_small_media', 'prefer_large_media', 'show_above_text'].filter((flag) =>
    optionalFlag(options, flag),
  );
  const kept = { ...Object.fromEntries(flags.map((flag) => [flag, true])), ...(url ? { url } : {}) };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** Refusals come in Telegram's order: reply and keyboard as written, then the chat, then what the server behind checks. */
function send(core: Core, { parameters }: Request, content: () => NewMessage): unknown {
  const reply = readReply(parameters);
  const keyboard = readInlineKeyboard(parameters, false);
  const record = resolveChat(core.chats, parameters.text('chat_id'), 'write');
  const threadId = resolveThread(record, parameters);
  const replyTo = resolveReply(record, reply);
  const fields = content();
  checkKeyboard(keyboard);
  checkNotBlocked(record);
  const isChannel = record.chat.kind === 'channel';
  const message = core.chats.add(record, {
    ...fields,
    ...(isChannel ? { senderChat: record.chat } : { from: core.chats.bot }),
    keyboard,
    silent: parameters.flag('disable_notification'),
    ...(threadId === undefined ? {} : { threadId }),
    ...(replyTo === undefined ? {} : { replyTo }),
  });
  return messageJson(core.chats, message);
}

interface Reply {
  readonly messageId: number;
  readonly optional: boolean;
}

function readReply(parameters: Parameters): Reply | undefined {
  const reply = parameters.json('reply_parameters', "Can't parse reply parameters JSON object");
  if (reply === undefined) {
    const messageId = parameters.integer('reply_to_message_id', 0, 0, Number.MAX_SAFE_INTEGER);
    return messageId === 0 ? undefined : { messageId, optional: parameters.flag('allow_sending_without_reply') };
  }
  if (!isObject(reply)) throw badRequest('Object expected as reply parameters');
  if (Object.keys(reply).length === 0) return undefined;
  return {
    messageId: requiredInteger(reply, 'message_id'),
    optional: optionalFlag(reply, 'allow_sending_without_reply'),
  };
}

function resolveReply(record: ChatRecord, reply: Reply | undefined): number | undefined {
  if (reply === undefined) return undefined;
  if (record.messages.some((message) => message.messageId === reply.messageId && !message.deleted))
    return reply.messageId;
  if (reply.optional) return undefined;
  throw badRequest('message to be replied not found');
}

/** The topic to send into. Groups without topics ignore it; everywhere else it must exist, and "General" is not named. */
function resolveThread(record: ChatRecord, parameters: Parameters): number | undefined {
  const threadId = parameters.integer('message_thread_id', 0, 0, Number.MAX_SAFE_INTEGER);
  if (threadId === 0 || (record.chat.kind !== 'private' && !record.chat.forum)) return undefined;
  if (threadId === GENERAL_TOPIC || !record.topics.has(threadId)) throw badRequest('message thread not found');
  return threadId;
}

function readDocument(core: Core, parameters: Parameters): TwinDocument {
  const file = parameters.file('document');
  if (file !== undefined) {
    if (file.bytes.length > MAX_UPLOAD_BYTES) throw new TelegramError(413, 'Request Entity Too Large');
    if (file.bytes.length === 0) throw badRequest('file must be non-empty');
    const extension = /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? '';
    const mimeType = MIME_TYPES.get(extension) ?? 'application/octet-stream';
    return { fileName: file.name, mimeType, bytes: file.bytes, fileId: `BQAC${core.chats.nextFile()}` };
  }
  const known = parameters.text('document');
  if (known === '') throw badRequest('There is no document in the request');
  // The twin has no way out to the network, and so every address fails as an unreachable one does.
  if (/^https?:/i.test(known)) throw badRequest('failed to get HTTP URL content');
  const documents = [...core.chats.records.values()].flatMap(({ messages }) =>
    messages.map(({ document }) => document),
  );
  const found = documents.find((document) => document?.fileId === known);
  if (found === undefined) throw badRequest('wrong remote file identifier specified: Wrong string length');
  return found;
}
