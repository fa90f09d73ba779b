/** A preview as lines of text, for who writes a playbook. */
import { escapeDeceptive, sayArgv } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';

/** The same parts in the same order as on the action's page. */
export function previewLines(seen: OutputOf<'previewPlaybook'>): string[] {
  const steps = seen.steps.flatMap(({ step, argv, effects, diff, undo }) => [
    '',
    `${step}`,
    ...argv.map((words) => `  $ ${sayArgv(words)}`),
    ...effects.map((effect) => `  ${escapeDeceptive(effect)}`),
    ...(diff ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `  | ${escapeDeceptive(line)}`),
    `  undo: ${undo === null ? 'none' : escapeDeceptive(undo)}`,
  ]);
  const way = seen.reversible ? 'can be taken back' : 'cannot be taken back';
  return [
    `${escapeDeceptive(seen.title)} (risk ${seen.risk}, ${way})`,
    ...seen.sentences.map((sentence) => `- ${escapeDeceptive(sentence)}`),
    ...steps,
    '',
    `Asked for now, the policy would say: ${seen.verdict.verdict}. ${seen.verdict.why}`,
  ];
}
