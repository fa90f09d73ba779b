/** A change of policy, roles or tokens on the terminal: made at once, or waiting for other owners. */
import { escapeDeceptive } from '@countersign/protocol';
import type { AmendmentView } from '@countersign/protocol/operator-api/index';
import { shortTime } from './answer.ts';
import type { CliContext } from './connection.ts';

export function amendmentLines(
  amendment: AmendmentView,
  { clock, typed }: Pick<CliContext, 'clock' | 'typed'>,
): string[] {
  const { id, state, title, by, agreed, others_needed: needed, declined_by: decliner } = amendment;
  const names = agreed.map(({ name }) => escapeDeceptive(name)).join(', ');
  return [
    `${id}  ${state}  ${escapeDeceptive(title)}`,
    `  by ${escapeDeceptive(by.name)}, ${shortTime(amendment.at, clock.now())}; rule ${escapeDeceptive(amendment.rule)}`,
    ...(needed === 0 ? [] : [`  ${agreed.length} of ${needed} other owners agreed${names === '' ? '' : `: ${names}`}`]),
    ...(decliner === null ? [] : [`  declined by ${escapeDeceptive(decliner.name)}`]),
    ...(amendment.diff === null ? [] : amendment.diff.split('\n').map((line) => `  ${escapeDeceptive(line)}`)),
    ...(state === 'proposed'
      ? [`  until ${shortTime(amendment.expires_at, clock.now())}; another owner: ${typed} amendments agree ${id}`]
      : []),
  ];
}
