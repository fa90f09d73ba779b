/** An action on the terminal: what would be done first, what the assistant says of it last. Nothing in it can deceive the eye. */
import { escapeDeceptive, looksDeceptive } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { shortTime } from './answer.ts';
import type { CliContext } from './connection.ts';

/** The lines, in the order in which somebody should read them. */
export function actionLines(
  action: ActionDetail,
  { terminal, clock }: Pick<CliContext, 'terminal' | 'clock'>,
): string[] {
  const { paint } = terminal;
  const { plan } = action;
  const now = clock.now();
  const colour = { low: 'green', medium: 'yellow', high: 'red', critical: 'red' } as const;
  return [
    paint('bold', escapeDeceptive(action.title)),
    `  state        ${action.state}  ${paint('dim', action.status)}`,
    `  server       ${action.server.name}`,
    `  risk         ${paint(colour[action.risk], action.risk)}, ${action.reversible ? 'can be undone' : 'cannot be undone'}`,
    `  fingerprint  ${action.fingerprint}`,
    ...(action.expires_at === null ? [] : [`  expires      ${shortTime(action.expires_at, now)}`]),
    '',
    'What runs',
    ...plan.preview.steps.flatMap((step) => stepLines(step, terminal)),
    ...(plan.preview.predictable ? [] : [paint('yellow', '  What it will do cannot be predicted.')]),
    '',
    'Parameters',
    ...parameterLines(action),
    '',
    `Asked by ${requester(action)} at ${shortTime(action.requested_at, now)}`,
    `Policy   ${action.policy.rule}: ${action.policy.why} (${action.approvals_given} of ${action.approvals_needed} approvals)`,
    ...action.approvals.map((it) => `  ${it.verdict}  ${it.person.name} by ${it.channel} at ${shortTime(it.at, now)}`),
    ...resultLines(action),
    ...(action.untrusted_reason === null
      ? []
      : [
          '',
          paint('dim', 'Assistant’s reason (untrusted text)'),
          ...quoted(action.untrusted_reason).map((it) => paint('dim', it)),
        ]),
  ];
}

function stepLines(
  step: ActionDetail['plan']['preview']['steps'][number],
  { paint }: CliContext['terminal'],
): string[] {
  return [
    ...step.argv.map((argv) => `  $ ${argv.map(word).join(' ')}`),
    ...step.effects.map((effect) => `  ${escapeDeceptive(effect)}`),
    ...(step.diff === null ? [] : step.diff.split('\n').map((line) => `  ${diffLine(escapeDeceptive(line), paint)}`)),
    ...(step.undo === null ? [] : [paint('dim', `  undo: ${escapeDeceptive(step.undo)}`)]),
  ];
}

function diffLine(line: string, paint: CliContext['terminal']['paint']): string {
  if (line.startsWith('+')) return paint('green', line);
  return line.startsWith('-') ? paint('red', line) : line;
}

/** A word of argv, quoted where a reader could take it for two. */
function word(text: string): string {
  const shown = escapeDeceptive(text);
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(shown) ? shown : JSON.stringify(shown);
}

function parameterLines({ plan, changed_parameters }: ActionDetail): string[] {
  const all = Object.entries(plan.parameters);
  if (all.length === 0) return ['  none'];
  return all.map(([name, value]) => {
    const text = JSON.stringify(value) ?? '';
    const marks = [
      ...(changed_parameters.includes(name) ? ['changed from the default'] : []),
      ...(looksDeceptive(text) ? ['holds characters that look like others'] : []),
    ];
    return `  ${name} = ${escapeDeceptive(text)}${marks.length > 0 ? `  (${marks.join('; ')})` : ''}`;
  });
}

function requester({ requested_by: { person, token, client } }: ActionDetail): string {
  const by = token ? `${token.name} (token of ${person.name})` : person.name;
  return client ? `${by}, ${escapeDeceptive(client)}` : by;
}

function resultLines({ result, error }: ActionDetail): string[] {
  if (error) return ['', `${error.message} ${error.next_step}`];
  if (!result) return [];
  return [
    '',
    `Result   ${result.outcome}: ${escapeDeceptive(result.summary)}`,
    ...result.steps.map((it) => `  ${it.state}  ${it.step}: ${escapeDeceptive(it.summary)}`),
  ];
}

function quoted(text: string): string[] {
  return text.split('\n').map((line) => `  > ${escapeDeceptive(line)}`);
}
