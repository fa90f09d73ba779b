/**
 * /panic: pauses all changes on all servers, after a question. Approvers and owners can; an owner lets changes happen again,
 * in the dashboard and with a fresh proof, which no message and no tap is.
 */
import { isoTime } from '@countersign/protocol';
import type { FormattedString } from '@grammyjs/parse-mode';
import { InlineKeyboard } from 'grammy';
import type { CallbackQuery } from 'grammy/types';
import { roleAtLeast } from '../../access/permissions.ts';
import { type Pause, pauseNow } from '../../actions/pause.store.ts';
import { whoIs } from '../../audit/ledger.ts';
import { accountOf } from './account.ts';
import { callerOf, whoIsPerson } from './caller.ts';
import { buttonUrl } from './card-keyboard.ts';
import type { TelegramAccount } from './claim-link.ts';
import { type LinkedPerson, linkedPerson } from './link.store.ts';
import { noteRefusedCommand, type RefusalDeps } from './note-refusal.ts';
import { objectionToTap, objectionWords } from './sender.ts';
import { alert, notice, type TapAnswer } from './take-tap.ts';
import type { Telegram } from './telegram-deps.ts';
import { bold, fmt, type Line, lines, sentence, timeOfDay, value } from './words.ts';

export type PanicDeps = Telegram & RefusalDeps;

interface Answer {
  readonly text: FormattedString;
  readonly keyboard?: InlineKeyboard;
}

const FORM = /^v1:pause:(yes|stop|no)$/;
const dataOf = (choice: 'yes' | 'stop' | 'no') => `v1:pause:${choice}`;
const mayNotPause = 'You can read here, not decide, so you cannot pause changes.';

/** Whether a button belongs to the question that /panic asks. */
export const isPanicData = (data: string | undefined) => FORM.test(data ?? '');

/** What /panic is answered with: the question, or who paused already. */
export async function panic(deps: PanicDeps, account: TelegramAccount, person: LinkedPerson): Promise<Answer> {
  if (!roleAtLeast(person.role, 'approver')) {
    await noteRefusedCommand(deps, account, 'panic', person.role, whoIsPerson(person));
    return { text: lines([mayNotPause]) };
  }
  const stop = () => new InlineKeyboard().text('Stop what runs, too', dataOf('stop')).danger().row();
  const pause = await pauseNow(deps.db);
  if (pause)
    return {
      text: lines([...pausedLines(pause, deps.place.publicUrl), 'What runs already goes on, unless you stop it.']),
      keyboard: withDashboard(stop(), deps.place.publicUrl),
    };
  return {
    text: lines([
      bold('🛑 Pause everything?'),
      'No change starts any more, on any server, also none that is approved. Reading goes on.',
      'What runs already goes on, unless you stop it, too.',
      'An owner lets changes happen again, in the dashboard.',
    ]),
    keyboard: new InlineKeyboard()
      .text('Pause everything', dataOf('yes'))
      .danger()
      .row()
      .text('Pause, and stop what runs', dataOf('stop'))
      .danger()
      .row()
      .text('No', dataOf('no')),
  };
}

/** The answer to the question. To tap twice does no harm: a pause that is there stays as it is. */
export async function takePanicTap(deps: PanicDeps, query: CallbackQuery, botId: number): Promise<TapAnswer> {
  const account = accountOf(query.from);
  const objection = objectionToTap(query, botId);
  const person = objection ? undefined : await linkedPerson(deps.db, account.id);
  if (!person || !query.message) {
    await noteRefusedCommand(deps, account, 'panic', objection ?? 'not_linked', whoIs('stranger'));
    return alert(objection ? objectionWords[objection] : 'This account is not linked.');
  }
  if (!roleAtLeast(person.role, 'approver')) {
    await noteRefusedCommand(deps, account, 'panic', person.role, whoIsPerson(person));
    return alert(mayNotPause);
  }
  const [, choice] = FORM.exec(query.data ?? '') ?? [];
  const { text, keyboard } = choice === 'no' ? notPaused : await pauseAll(deps, person, choice === 'stop');
  const shown = { entities: text.entities, link_preview_options: { is_disabled: true } };
  deps.calls.let(
    'answer to /panic',
    deps.api.editMessageText(person.telegramId, query.message.message_id, text.text, {
      ...shown,
      ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
    }),
  );
  return notice(choice === 'no' ? 'Nothing was paused.' : 'All changes are paused.');
}

/** Who paused all changes, and who can end it. */
export function pausedLines({ by, since }: Pick<Pause, 'by' | 'since'>, publicUrl: string): Line[] {
  const until = buttonUrl(publicUrl) === null ? fmt`in the dashboard: ${value(publicUrl)}` : 'in the dashboard';
  return [
    bold('⏸ All changes are paused'),
    fmt`By ${sentence(by.name, { max: 100 })} since ${timeOfDay(isoTime(since))}. Nothing that is approved starts; reading goes on.`,
    fmt`An owner lets changes happen again, with a fresh proof, ${until}.`,
  ];
}

const notPaused: Answer = { text: lines(['Nothing was paused.']) };

async function pauseAll(deps: PanicDeps, person: LinkedPerson, stopRunning: boolean): Promise<Answer> {
  const { pause, stopping } = await deps.pause(callerOf(person), { stopRunning });
  const { publicUrl } = deps.place;
  const stopped = stopRunning
    ? fmt`Running actions that were asked to stop: ${bold(String(stopping))}`
    : 'What runs already goes on. Send /panic again to stop it, too.';
  return {
    text: lines([...pausedLines(pause, publicUrl), stopped]),
    keyboard: withDashboard(new InlineKeyboard(), publicUrl),
  };
}

function withDashboard(keyboard: InlineKeyboard, publicUrl: string): InlineKeyboard {
  const url = buttonUrl(publicUrl);
  return url === null ? keyboard : keyboard.url('Open the dashboard', url);
}
