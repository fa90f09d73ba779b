/**
 * A card as a Telegram message: what, where and its state first, then exactly what will run, last the assistant's words.
 * Pure. What is too long for a phone becomes a summary, and the whole plan goes ahead of it as a document.
 */
import { isFinal, isoTime } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { FormattedString } from '@grammyjs/parse-mode';
import type { InlineKeyboard } from 'grammy';
import type { Pause } from '../../actions/pause.store.ts';
import { type Card, cardOf } from '../card.ts';
import { actionUrl, cardKeyboard, type KeyboardView, offers } from './card-keyboard.ts';
import { changeSummary, shownDiff } from './diff-lines.ts';
import { planDocument } from './plan-document.ts';
import { bold, fmt, inWords, type Line, lines, sentence, timeOfDay, title, value } from './words.ts';

export interface CardView extends Pick<KeyboardView, 'publicUrl' | 'armed' | 'person'> {
  /** Who paused all changes, and when; null while they go on. */
  readonly pause: Pick<Pause, 'since' | 'by'> | null;
}

export interface RenderedCard {
  readonly text: FormattedString;
  readonly keyboard: InlineKeyboard | undefined;
  /** What did not fit; made only when it is sent. */
  readonly document: { readonly name: string; readonly text: () => string } | null;
  /** The same without formatting and without links, for a Bot API that refused it. */
  plain(): RenderedCard;
}

/** Characters of a card without its state and the assistant's words; more becomes a summary, so that 4,096 are never reached. */
const BODY_MAX = 2_000;
/** Telegram keeps about 100 entities of a message. */
const ENTITIES_MAX = 80;
const REASON_MAX = 500;
const DIFFERENCES_MAX = 3;

export function renderCard(detail: ActionDetail, view: CardView): RenderedCard {
  const card = cardOf(detail);
  const whole = lines([...planLines(card), '', ...termLines(card)]);
  const isLong =
    whole.text.length > BODY_MAX ||
    whole.entities.length > ENTITIES_MAX ||
    card.diffs.some((diff) => shownDiff(diff).cut);
  const body = isLong ? lines([...summaryLines(card), '', ...termLines(card)]) : whole;
  const text = (links: boolean) =>
    lines([
      title(card.title),
      fmt`Server ${value(card.server)} · ${riskMark[card.risk]} ${card.risk} risk`,
      ...differenceLines(detail, card),
      ...pauseLines(card, view),
      ...stateLines(detail, card),
      ...elsewhereLines(card, view, links),
      ...armedLines(detail, card, view),
      '',
      body,
      ...reasonLines(card),
    ]);
  const document = isLong ? { name: `plan-${card.fingerprint}`, text: () => planDocument(detail) } : null;
  const mustOpen = card.mustOpen !== null;
  return rendered(text, document, (links) => cardKeyboard(detail, { ...view, mustOpen, links }));
}

function rendered(
  text: (links: boolean) => FormattedString,
  document: RenderedCard['document'],
  keyboard: (links: boolean) => InlineKeyboard | undefined,
): RenderedCard {
  return {
    text: text(true),
    keyboard: keyboard(true),
    document,
    plain: () =>
      rendered(
        () => new FormattedString(text(false).text),
        document,
        () => keyboard(false),
      ),
  };
}

/** What is left of a card in a chat whose person may not read it any more. */
export const hiddenCard: RenderedCard = rendered(
  () => lines(['This request is not shown here any more: this Telegram account may not decide on it.']),
  null,
  () => undefined,
);

const riskMark = { low: '🟢', medium: '🟡', high: '🟠', critical: '🔴' } as const;
const stateMark: Readonly<Record<ActionDetail['state'], string>> = {
  awaiting_approval: '⏳',
  approved: '✅',
  denied: '⛔',
  rejected: '❌',
  withdrawn: '↩️',
  expired: '⌛',
  dispatched: '📨',
  running: '▶️',
  refused: '⛔',
  unknown: '❔',
  succeeded: '✅',
  failed: '❌',
  stopped: '⏹',
};

/** Why people are asked once more, before anything else: what is not as it was when it was approved. */
function differenceLines({ follows }: ActionDetail, { differences }: Card): Line[] {
  if (follows === null) return [];
  const shown = differences.slice(0, DIFFERENCES_MAX).map((words) => fmt`• ${sentence(words, { max: 200 })}`);
  const more = differences.length - shown.length;
  return [
    bold('🔁 Asked again: it is not as it was when it was approved'),
    ...shown,
    ...(more > 0 ? [`and ${more} more`] : []),
    fmt`The approval of ${value(follows.action)} was not used.`,
  ];
}

function pauseLines({ state }: Card, { pause }: CardView): Line[] {
  // The sentence of an approved action says it, too.
  if (pause === null || isFinal(state) || state === 'approved') return [];
  const since = timeOfDay(isoTime(pause.since));
  return [bold(fmt`⏸ All changes are paused by ${sentence(pause.by.name, { max: 100 })} since ${since}`)];
}

function stateLines(detail: ActionDetail, { state, status, decision, expiresAt, approvals }: Card): Line[] {
  const decided = decision === null ? [] : [sentence(decision, { max: 400, strong: true })];
  if (detail.confirm_by !== null) return [fmt`⏰ ${sentence(status, { max: 400, strong: true })}`, ...decided];
  if (state !== 'awaiting_approval') {
    // Where the sentence itself names who decided, it is not said twice.
    const named = state === 'approved' || state === 'rejected';
    return [fmt`${stateMark[state]} ${sentence(status, { max: 400 })}`, ...(named ? [] : decided)];
  }
  const until =
    expiresAt === null
      ? 'Waits for a decision'
      : fmt`Decide within ${inWords(Date.parse(expiresAt) - Date.parse(detail.requested_at))}, before ${bold(timeOfDay(expiresAt))}`;
  const counted = approvals.needed > 1 ? ` · ${approvals.given} of ${approvals.needed} approvals` : '';
  return [fmt`${stateMark[state]} ${until}${counted}`, ...decided];
}

/** Why a tap is not enough; and where to go, when no button leads there. */
function elsewhereLines({ actionId, mustOpen }: Card, { publicUrl }: CardView, links: boolean): Line[] {
  if (mustOpen === null) return [];
  const why = fmt`🔒 ${sentence(mustOpen)}`;
  if (links && actionUrl(publicUrl, actionId, true) !== null) return [why];
  return [why, fmt`Open it at ${value(`${publicUrl}/actions/${actionId}`, 300)}`];
}

function armedLines(detail: ActionDetail, card: Card, { armed, person }: CardView): Line[] {
  if (armed === null || !offers[armed](detail, { person, mustOpen: card.mustOpen !== null })) return [];
  const words = {
    approve: '⚠️ One more tap runs it. Read the card first.',
    confirm: '⚠️ One more tap keeps it. First check, on a new connection, that you can reach the server.',
    stop: '⚠️ One more tap asks the server to stop it.',
  };
  return [bold(words[armed])];
}

function planLines(card: Card): Line[] {
  const diffs = card.diffs.flatMap((diff) => [
    changeSummary([diff]),
    FormattedString.pre(shownDiff(diff).text, 'diff'),
  ]);
  return [
    ...(card.warning === null ? [] : [bold(`⚠️ ${card.warning}`)]),
    ...(card.argv.length === 0 ? [] : [bold('Runs exactly'), ...card.argv.map((argv) => value(argv, 1_100))]),
    ...explainedLines(card),
    ...(card.effects.length === 0 ? [] : [bold('Effect'), ...card.effects.map((effect) => sentence(effect))]),
    ...(diffs.length === 0 ? [] : [bold('Changes'), ...diffs]),
    ...(card.parameters.length === 0 ? [] : [bold('Parameters'), ...card.parameters.map(parameterLine)]),
  ];
}

/** Marked as what it is: people must not take it for what will happen. */
function explainedLines({ explained }: Card): Line[] {
  return explained.length === 0
    ? []
    : [bold('Explained (our reading, not proof)'), ...explained.map((words) => sentence(words))];
}

function parameterLine({ name, value: text, changed, deceptive }: Card['parameters'][number]): FormattedString {
  const marks = `${changed ? ' (not the default)' : ''}${deceptive ? ' ⚠️ holds characters that look like others' : ''}`;
  return fmt`${value(name, 100)} = ${value(text, 320)}${marks}`;
}

/** Counts instead of contents; the document ahead of the card holds them. */
function summaryLines(card: Card): Line[] {
  const { argv, parameters, diffs, effects, explained } = card;
  const changed = parameters.filter((parameter) => parameter.changed);
  return [
    ...(card.warning === null ? [] : [bold(`⚠️ ${card.warning}`)]),
    bold('📄 This is a summary. The whole plan is in the file above: read it before you decide.'),
    ...(argv.length === 0 ? [] : [`Runs ${count(argv.length, 'command')}, the first of them:`]),
    ...argv.slice(0, 2).map((line) => value(line, 160)),
    ...(explained.length === 0 ? [] : [bold('Explained (our reading, not proof)')]),
    ...explained.slice(0, 2).map((words) => sentence(words, { max: 160 })),
    ...effects.slice(0, 1).map((effect) => sentence(effect, { max: 160 })),
    ...(diffs.length === 0 ? [] : [changeSummary(diffs)]),
    ...(parameters.length === 0
      ? []
      : [`${count(parameters.length, 'parameter')}, ${changed.length} of them not the default`]),
    ...changed.slice(0, 2).map(({ name, value: text }) => fmt`${value(name, 60)} = ${value(text, 60)}`),
  ];
}

function termLines(card: Card): Line[] {
  return [
    fmt`${bold('Undo')} ${sentence(card.undo, { max: 200 })}`,
    ...(card.confirm === null ? [] : [fmt`${bold('Confirm')} ${sentence(card.confirm, { max: 300 })}`]),
    fmt`${bold('Asked by')} ${value(card.askedBy, 200)}`,
    fmt`${bold('Policy')} ${sentence(card.policy, { max: 200 })}`,
    fmt`${bold('Fingerprint')} ${value(card.fingerprint)}`,
  ];
}

/** Words of a stranger: last, apart, folded, and nothing in them can be tapped. */
function reasonLines({ untrustedReason }: Card): Line[] {
  if (untrustedReason === null) return [];
  const reason = value(untrustedReason.replaceAll('\\u{a}', ' '), REASON_MAX);
  return ['', 'The assistant says (not checked by anybody):', FormattedString.expandableBlockquote(reason)];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
