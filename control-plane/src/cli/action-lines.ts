/** An action on the terminal: the words of its card, in the order in which somebody should read them. */
import { escapeDeceptive } from '@countersign/protocol';
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
    'What runs',
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
    ...resultLines(action),
    ...(card.untrustedReason === null ? [] : reasonLines(card.untrustedReason, paint)),
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
