/**
 * A card as a Telegram message: what, where and its state first, then exactly what will run, last the assistant's words.
 * Pure. What is too long for a phone becomes a summary, and the whole plan goes ahead of it as a document.
 */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { FormattedString } from '@grammyjs/parse-mode';
import type { InlineKeyboard } from 'grammy';
import { type Card, cardOf } from '../card.ts';
import { cardKeyboard } from './card-keyboard.ts';
import { changeSummary, shownDiff } from './diff-lines.ts';
import { planDocument } from './plan-document.ts';
import { bold, fmt, inWords, type Line, lines, sentence, timeOfDay, title, value } from './words.ts';

export interface CardView {
  readonly publicUrl: string;
  /** Whether this person tapped once already. */
  readonly armed: boolean;
  /** Who reads this copy. */
  readonly personId: string;
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
  const tapCounts = card.mustOpen === null;
  const whole = lines([...planLines(card), '', ...termLines(card)]);
  const isLong =
    whole.text.length > BODY_MAX ||
    whole.entities.length > ENTITIES_MAX ||
    card.diffs.some((diff) => shownDiff(diff).cut);
  const body = isLong ? lines([...summaryLines(card), '', ...termLines(card)]) : whole;
  const text = lines([
    ...headLines(detail, card, view),
    ...elsewhereLines(card, view),
    ...differenceLines(card),
    '',
    body,
    ...reasonLines(card),
  ]);
  const document = isLong ? { name: `plan-${card.fingerprint}`, text: () => planDocument(detail) } : null;
  return rendered(text, document, (links) => cardKeyboard(detail, { ...view, tapCounts, links }));
}

function rendered(
  text: FormattedString,
  document: RenderedCard['document'],
  keyboard: (links: boolean) => InlineKeyboard | undefined,
): RenderedCard {
  return {
    text,
    keyboard: keyboard(true),
    document,
    plain: () => rendered(new FormattedString(text.text), document, () => keyboard(false)),
  };
}

/** What is left of a card in a chat whose person may not read it any more. */
export const hiddenCard: RenderedCard = rendered(
  lines(['This request is not shown here any more: this Telegram account may not decide on it.']),
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

function headLines(detail: ActionDetail, card: Card, { armed }: CardView): Line[] {
  return [
    title(card.title),
    fmt`Server ${value(card.server)} · ${riskMark[card.risk]} ${card.risk} risk`,
    ...stateLines(detail, card),
    ...(armed && card.state === 'awaiting_approval' ? [bold('⚠️ One more tap runs it. Read the card first.')] : []),
  ];
}

function stateLines(detail: ActionDetail, { state, status, decision, expiresAt, approvals }: Card): Line[] {
  const decided = decision === null ? [] : [sentence(decision, { max: 400, strong: true })];
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

function elsewhereLines({ actionId, mustOpen }: Card, { publicUrl }: CardView): Line[] {
  if (mustOpen === null) return [];
  return [fmt`🔒 ${sentence(mustOpen)} Approve in the dashboard: ${value(`${publicUrl}/actions/${actionId}`)}`];
}

/** Why people are asked once more: what is not as it was when it was approved. */
function differenceLines({ differences }: Card): Line[] {
  if (differences.length === 0) return [];
  const shown = differences.slice(0, DIFFERENCES_MAX).map((words) => sentence(words, { max: 200 }));
  const more = differences.length - shown.length;
  return [bold('Asked again, since it changed'), ...shown, ...(more > 0 ? [`and ${more} more`] : [])];
}

function planLines(card: Card): Line[] {
  const diffs = card.diffs.flatMap((diff) => [
    changeSummary([diff]),
    FormattedString.pre(shownDiff(diff).text, 'diff'),
  ]);
  return [
    ...(card.warning === null ? [] : [bold(`⚠️ ${card.warning}`)]),
    ...(card.argv.length === 0 ? [] : [bold('Runs exactly'), ...card.argv.map((argv) => value(argv, 1_100))]),
    ...(card.effects.length === 0 ? [] : [bold('Effect'), ...card.effects.map((effect) => sentence(effect))]),
    ...(diffs.length === 0 ? [] : [bold('Changes'), ...diffs]),
    ...(card.parameters.length === 0 ? [] : [bold('Parameters'), ...card.parameters.map(parameterLine)]),
  ];
}

function parameterLine({ name, value: text, changed, deceptive }: Card['parameters'][number]): FormattedString {
  const marks = `${changed ? ' (not the default)' : ''}${deceptive ? ' ⚠️ holds characters that look like others' : ''}`;
  return fmt`${value(name, 100)} = ${value(text, 320)}${marks}`;
}

/** Counts instead of contents; the document ahead of the card holds them. */
function summaryLines(card: Card): Line[] {
  const { argv, parameters, diffs, effects } = card;
  const changed = parameters.filter((parameter) => parameter.changed);
  return [
    ...(card.warning === null ? [] : [bold(`⚠️ ${card.warning}`)]),
    bold('📄 This is a summary. The whole plan is in the file above: read it before you decide.'),
    ...(argv.length === 0 ? [] : [`Runs ${count(argv.length, 'command')}, the first of them:`]),
    ...argv.slice(0, 2).map((line) => value(line, 160)),
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
