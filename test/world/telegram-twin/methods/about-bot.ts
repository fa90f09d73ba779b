/** getMe, the bot's commands and its descriptions. */
import type { TwinUser } from '../chats.ts';
import type { Core, Method } from '../core.ts';
import { isObject, type JsonObject, requiredInteger, requiredText } from '../json-fields.ts';
import { userJson } from '../message-json.ts';
import type { Parameters } from '../parameters.ts';
import { badRequest, within } from '../telegram-error.ts';
import { resolveChat } from './resolve-chat.ts';

interface Command {
  readonly command: string;
  readonly description: string;
}

const SCOPES = new Set(['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators']);
const CHAT_SCOPES = new Set(['chat', 'chat_administrators', 'chat_member']);
const MAX_COMMANDS = 100;
const MAX_COMMAND = 32;
const MAX_COMMAND_DESCRIPTION = 256;
const MAX_DESCRIPTION = 512;
const MAX_SHORT_DESCRIPTION = 120;

/** The methods about the bot itself. */
export function botMethods(core: Core): Record<string, Method> {
  const commands = new Map<string, Command[]>();
  const texts = new Map<string, string>();
  const keep = (kind: string, parameters: Parameters, limit: number, refusal: string) => {
    const text = parameters.text(kind).trim();
    if ([...text].length > limit) throw badRequest(refusal);
    texts.set(`${kind} ${parameters.text('language_code')}`, text);
    return true;
  };
  const kept = (kind: string, parameters: Parameters) => ({
    [kind]: texts.get(`${kind} ${parameters.text('language_code')}`) ?? '',
  });
  return {
    getMe: () => meJson(core.chats.bot, !core.privacy),
    setMyCommands: ({ parameters }) => {
      const list = readCommands(parameters);
      commands.set(scopeKey(core, parameters), list);
      return true;
    },
    deleteMyCommands: ({ parameters }) => {
      commands.delete(scopeKey(core, parameters));
      return true;
    },
    getMyCommands: ({ parameters }) => commands.get(scopeKey(core, parameters)) ?? [],
    setMyDescription: ({ parameters }) => keep('description', parameters, MAX_DESCRIPTION, 'BOT_DESC_INVALID'),
    getMyDescription: ({ parameters }) => kept('description', parameters),
    setMyShortDescription: ({ parameters }) =>
      keep('short_description', parameters, MAX_SHORT_DESCRIPTION, 'BOT_ABOUT_INVALID'),
    getMyShortDescription: ({ parameters }) => kept('short_description', parameters),
  };
}

function meJson(bot: TwinUser, readsAll: boolean): JsonObject {
  return {
    ...userJson(bot),
    can_join_groups: true,
    can_read_all_group_messages: readsAll,
    supports_guest_queries: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

function readCommands(parameters: Parameters): Command[] {
  const list = parameters.json('commands', "Can't parse commands JSON object") ?? [];
  if (!Array.isArray(list)) throw badRequest('Expected an Array of BotCommand');
  const commands = list.map((value) => within("Can't parse BotCommand: ", () => readCommand(value))).map(checkCommand);
  if (commands.length > MAX_COMMANDS) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  return commands;
}

function readCommand(value: unknown): Command {
  if (!isObject(value)) throw badRequest('expected an Object');
  return { command: requiredText(value, 'command'), description: requiredText(value, 'description') };
}

function checkCommand(given: Command): Command {
  const command = given.command.trim().replace(/^\//, '');
  const description = given.description.trim();
  if (command === '') throw badRequest('Command must be non-empty');
  if ([...command].length > MAX_COMMAND) throw badRequest(`Command length must not exceed ${MAX_COMMAND}`);
  if (description === '') throw badRequest('Command description must be non-empty');
  if ([...description].length > MAX_COMMAND_DESCRIPTION) {
    throw badRequest(`Command description length must not exceed ${MAX_COMMAND_DESCRIPTION}`);
  }
  if (!/^[a-z0-9_]+$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
  return { command, description };
}

/** Whom a list of commands is for, as one text. */
function scopeKey(core: Core, parameters: Parameters): string {
  const scope = parameters.json('scope', "Can't parse BotCommandScope JSON object");
  const parts = within("Can't parse BotCommandScope: ", () => readScope(scope));
  if (parts.chatId !== undefined) resolveChat(core.chats, parts.chatId, 'read');
  return [parts.type, parts.chatId, parts.userId, parameters.text('language_code')].join(' ');
}

function readScope(scope: unknown): { type: string; chatId?: string; userId?: number } {
  if (scope === undefined) return { type: 'default' };
  if (!isObject(scope)) throw badRequest('BotCommandScope must be an Object');
  const type = requiredText(scope, 'type');
  if (SCOPES.has(type)) return { type };
  if (!CHAT_SCOPES.has(type)) throw badRequest('Unsupported type specified');
  const chatId = requiredText(scope, 'chat_id');
  if (chatId === '') throw badRequest('Empty chat_id specified');
  if (type !== 'chat_member') return { type, chatId };
  const userId = requiredInteger(scope, 'user_id');
  if (userId <= 0) throw badRequest('Invalid user_id specified');
  return { type, chatId, userId };
}
