/** A message to the bot: pairing for everybody, commands for linked people, how to pair for all others. */
import { Fault } from '@countersign/protocol';
import type { FormattedString } from '@grammyjs/parse-mode';
import { InlineKeyboard } from 'grammy';
import type { Message } from 'grammy/types';
import { pauseNow } from '../../actions/pause.store.ts';
import { whoIs } from '../../audit/ledger.ts';
import { accountOf } from './account.ts';
import { callerOf } from './caller.ts';
import { copyIn } from './card.store.ts';
import { claimLink, type TelegramAccount } from './claim-link.ts';
import {
  help,
  helpForStrangers,
  pendingActions,
  pendingText,
  serversText,
  statusText,
  whoamiText,
} from './commands.ts';
import { type LinkedPerson, linkedPerson } from './link.store.ts';
import { noteRefusedCommand, type RefusalDeps } from './note-refusal.ts';
import { panic } from './panic.ts';
import { sendText, type TextOptions } from './send-text.ts';
import { objectionToMessage } from './sender.ts';
import type { Telegram } from './telegram-deps.ts';
import { bold, fmt, lines, value } from './words.ts';

export interface MessageDeps extends Telegram, RefusalDeps {
  /** Whether this account, which is linked to nobody, may be answered once more. */
  readonly mayAnswer: (telegramId: string) => boolean;
}

interface Command {
  readonly name: string;
  readonly argument: string;
}

export const unlinkData = { yes: 'v1:unlink:yes', no: 'v1:unlink:no' } as const;

/** Takes a message in and answers it. Answers are sent by themselves: a slow Telegram does not hold up the next update. */
export async function takeMessage(deps: MessageDeps, message: Message, botUsername: string): Promise<void> {
  const { chat, from } = message;
  const command = readCommand(message.text ?? '', botUsername);
  if (objectionToMessage(message) !== null || from === undefined) {
    const [inGroup, key] = [chat.type === 'group' || chat.type === 'supergroup', String(chat.id)];
    if (inGroup && command && deps.mayAnswer(key)) answer(deps, key, onlyPrivate, { replyTo: message.message_id });
    return;
  }
  const account = accountOf(from);
  if (command?.name === 'start' && command.argument !== '') return claim(deps, account, command.argument);
  const person = await linkedPerson(deps.db, account.id);
  if (!person) return refuse(deps, account, command);
  answer(deps, account.id, ...(await answerTo(deps, account, person, command)));
}

const onlyPrivate = lines(['I work in private chats only. Write to me there.']);

async function answerTo(
  deps: MessageDeps,
  account: TelegramAccount,
  person: LinkedPerson,
  command: Command | null,
): Promise<[text: FormattedString, options?: TextOptions]> {
  const call = deps.call(callerOf(person));
  switch (command?.name) {
    case 'status':
      return [await statusText(call, await pauseNow(deps.db), deps.place.publicUrl)];
    case 'servers':
      return [await serversText(call), { name: 'servers' }];
    case 'pending': {
      const pending = await pendingActions(call);
      const [next] = pending;
      const card = next && (await copyIn(deps.db, next.id, person.telegramId));
      return [pendingText(pending, deps.clock.now()), { name: 'pending', replyTo: card?.message_id }];
    }
    case 'panic': {
      const { text, keyboard } = await panic(deps, account, person);
      return [text, { keyboard }];
    }
    case 'whoami':
      return [whoamiText(person, deps.place.publicUrl)];
    case 'unlink': {
      const keyboard = new InlineKeyboard().text('Unlink', unlinkData.yes).danger().text('Keep', unlinkData.no);
      return [lines(['Unlink this Telegram account? You will not be asked here any more.']), { keyboard }];
    }
    default:
      return [help];
  }
}

async function claim(deps: MessageDeps, account: TelegramAccount, code: string): Promise<void> {
  try {
    const claimed = await claimLink(deps, account, code);
    if (claimed.outcome === 'taken')
      return answer(deps, account.id, lines(['This Telegram account is linked already. Send /unlink first.']));
    answer(deps, account.id, confirmText(claimed.person, account, deps.place.publicUrl));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'link_code_invalid') throw error;
    await noteRefusedCommand(deps, account, 'start', error.code, whoIs('stranger'));
    if (deps.mayAnswer(account.id)) answer(deps, account.id, lines([error.message, error.body.next_step]));
  }
}

function confirmText(person: { name: string; email: string }, account: TelegramAccount, publicUrl: string) {
  return lines([
    bold('Almost linked'),
    fmt`This account is ${value(account.name)}, number ${value(account.id)}.`,
    fmt`It asks to act for ${value(person.name)} (${value(person.email)}) at ${value(publicUrl)}.`,
    'Now confirm it in the dashboard. Nothing counts before that.',
  ]);
}

async function refuse(deps: MessageDeps, account: TelegramAccount, command: Command | null): Promise<void> {
  if (command && command.name !== 'start' && command.name !== 'help')
    await noteRefusedCommand(deps, account, command.name, 'not_linked', whoIs('stranger'));
  if (deps.mayAnswer(account.id)) answer(deps, account.id, helpForStrangers);
}

function answer(deps: MessageDeps, chatId: string, text: FormattedString, options?: TextOptions): void {
  deps.calls.let('answer', sendText(deps.api, chatId, text, options));
}

/** The command that a text begins with, unless it is meant for another bot. */
function readCommand(text: string, botUsername: string): Command | null {
  const [, name, addressee, argument] = /^\/([A-Za-z0-9_]{1,64})(?:@(\w{1,64}))?(?:\s+([\s\S]*))?$/.exec(text) ?? [];
  if (name === undefined) return null;
  if (addressee !== undefined && addressee.toLowerCase() !== botUsername.toLowerCase()) return null;
  return { name: name.toLowerCase(), argument: (argument ?? '').trim() };
}
