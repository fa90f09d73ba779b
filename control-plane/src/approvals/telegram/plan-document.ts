/** The whole of a plan as text, for what does not fit on a card. Pure. Secrets are blacked out once more. */
import { escapeDeceptive } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { redact } from '@countersign/protocol/redaction';
import { diffLines } from './diff-lines.ts';

export function planDocument(detail: ActionDetail): string {
  const { plan } = detail;
  const sections = [
    [
      safe(detail.title),
      `Server: ${safe(detail.server.name)}`,
      `Risk: ${detail.risk}`,
      `Fingerprint: ${detail.fingerprint}`,
      `Digest: ${detail.digest}`,
    ],
    ...plan.preview.steps.map((step) => [
      `Step ${safe(step.step)}`,
      ...step.argv.flatMap((argv) => ['  runs:', ...argv.map((word) => `    ${safe(JSON.stringify(word))}`)]),
      ...step.effects.map((effect) => `  effect: ${safe(effect)}`),
      `  undo: ${step.undo === null ? 'none' : safe(step.undo)}`,
      ...(step.diff === null ? [] : ['  changes:', ...diffLines(step.diff)]),
    ]),
    ...(detail.explained?.length
      ? [['Explained (our reading, not proof)', ...detail.explained.map((words) => `  ${safe(words)}`)]]
      : []),
    ['Parameters', ...Object.entries(plan.parameters).map(([name, given]) => `  ${safe(name)} = ${json(given)}`)],
    [
      'The plan, member by member (what the digest covers)',
      ...JSON.stringify(plan, null, 2).split('\n').map(escapeDeceptive),
    ],
  ];
  return `${redact(sections.map((section) => section.join('\n')).join('\n\n')).text}\n`;
}

const safe = (text: string) => escapeDeceptive(text);
const json = (given: unknown) => safe(JSON.stringify(given) ?? 'null');
