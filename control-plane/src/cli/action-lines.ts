/** An action on the terminal: the words of its card, in the order in which somebody should read them. */
import { escapeDeceptive, isoTime, shorten } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { type Card, cardOf } from '../approvals/card.ts';
import { shortTime } from './answer.ts';
import type { CliContext } from './connection.ts';

type Paint = CliContext['terminal']['paint'];

const riskColour = { low: 'green', medium: 'yellow', high: 'red', critical: 'red' } as const;

/** The lines: what would be done first, what the assistant says of it last. Nothing in them can deceive the eye. */
export function actionLines(
  action: ActionDetail,
  { terminal, clock }: Pick<CliContext, 'terminal' | 'clock'>,
): string[] {
  const { paint } = terminal;
  const card = cardOf(action);
  return [
    paint('bold', card.title),
    `  id           ${card.actionId}`,
    `  state        ${card.state}  ${paint('dim', card.status)}`,
    `  server       ${card.server}`,
    `  risk         ${paint(riskColour[card.risk], card.risk)}`,
    `  undo         ${card.undo}`,
    `  fingerprint  ${card.fingerprint}`,
    ...(card.expiresAt === null ? [] : [`  expires      ${shortTime(card.expiresAt, clock.now())}`]),
    '',
    'What is to be done',
    ...action.plan.steps.map(stepLine),
    ...confirmLines(action, paint),
    '',
    'What runs, as the server foretells it',
    ...card.argv.map((argv) => `  $ ${argv}`),
    ...card.effects.map((effect) => `  ${effect}`),
    ...card.diffs.flatMap((diff) => diff.split('\n').map((line) => `  ${diffLine(escapeDeceptive(line), paint)}`)),
    ...(card.warning === null ? [] : [paint('yellow', `  ${card.warning}`)]),
    '',
    'Parameters',
    ...parameterLines(card),
    '',
    `Asked by  ${card.askedBy}, ${shortTime(action.requested_at, clock.now())}`,
    `Policy    ${card.policy} (${card.approvals.given} of ${card.approvals.needed} approvals)`,
    ...(card.decision === null ? [] : [`Decision  ${card.decision}`]),
    ...lockLines(action),
    ...followLines(action),
    ...resultLines(action),
    ...(card.untrustedReason === null ? [] : reasonLines(card.untrustedReason, paint)),
  ];
}

const VALUE_MAX = 600;

/** The step itself, which the server carries out; the argv under it is what the server made of it. */
function stepLine(step: ActionDetail['plan']['steps'][number]): string {
  return `  ${step.id}: ${step.capability} ${escapeDeceptive(shorten(JSON.stringify(step.parameters), VALUE_MAX))}`;
}

function confirmLines({ plan, confirm_by: by }: ActionDetail, paint: Paint): string[] {
  if (plan.confirm === null) return [];
  const minutes = Math.round(plan.confirm.within_ms / 60_000);
  return [
    paint('yellow', `  It could lock everybody out (${escapeDeceptive(plan.confirm.because)}). The server takes it`),
    paint(
      'yellow',
      `  back by itself unless somebody confirms within ${minutes || 1} min that it can still be reached.`,
    ),
    ...(by === null ? [] : [paint('bold', `  Done; it is taken back at ${by} unless you confirm.`)]),
  ];
}

/** Whose signatures the server asks for, as far as the control plane tells; the server itself is the judge. */
function lockLines({ lock, plan }: ActionDetail): string[] {
  if (lock === null) return ['Lock      none: this server believes the control plane'];
  const signed =
    lock.signed.length === 0 ? 'nobody signed yet' : `signed by ${lock.signed.map(escapeDeceptive).join(', ')}`;
  const holders = [...new Set(lock.state.keys.map(({ holder }) => escapeDeceptive(holder)))];
  return [
    `Lock      ${lock.needed} of ${holders.length} holders (${holders.join(', ')}) must sign; ${signed}`,
    `          a signature is good until ${isoTime(plan.request.valid_until)}, for this one request`,
  ];
}

function followLines({ follows, followed_by: next }: ActionDetail): string[] {
  return [
    ...(follows === null
      ? []
      : [
          `Follows   ${follows.action}, which was refused since the state had changed:`,
          ...follows.differences.map((it) => `          ${escapeDeceptive(it)}`),
        ]),
    ...(next === null ? [] : [`Next      ${next} asks again with the present state`]),
  ];
}

function diffLine(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line);
  return line.startsWith('-') ? paint('red', line) : line;
}

function parameterLines({ parameters }: Card): string[] {
  if (parameters.length === 0) return ['  none'];
  return parameters.map(({ name, value, changed, deceptive }) => {
    const marks = [
      ...(changed ? ['changed from the default'] : []),
      ...(deceptive ? ['holds characters that look like others'] : []),
    ];
    return `  ${name} = ${value}${marks.length > 0 ? `  (${marks.join('; ')})` : ''}`;
  });
}

function resultLines({ result, error }: ActionDetail): string[] {
  if (error) return ['', `${error.message} ${error.next_step}`];
  if (!result) return [];
  return [
    '',
    `Result    ${result.outcome}: ${escapeDeceptive(result.summary)}`,
    ...result.steps.map((it) => `  ${it.state}  ${it.step}: ${escapeDeceptive(it.summary)}`),
  ];
}

function reasonLines(reason: string, paint: Paint): string[] {
  const quoted = reason.split('\n').map((line) => paint('dim', `  > ${escapeDeceptive(line)}`));
  return ['', paint('dim', 'Assistant’s reason (untrusted text)'), ...quoted];
}
