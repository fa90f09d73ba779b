import type { PlaybookView } from '@countersign/protocol/operator-api/index';
import { isRequired, type Parameter } from './parameter-types.ts';
import type { Playbook } from './playbook.ts';

/** A playbook as the operator API shows it. `fits` is added by who knows the server. */
export function playbookView(playbook: Playbook): PlaybookView {
  return {
    id: playbook.id,
    version: playbook.version,
    title: playbook.title,
    summary: playbook.summary,
    effect: playbook.effect,
    risk: playbook.risk,
    reversible: playbook.reversible,
    parameters: Object.entries(playbook.parameters).map(([name, parameter]) => parameterView(name, parameter)),
  };
}

function parameterView(name: string, parameter: Parameter): PlaybookView['parameters'][number] {
  const { minimum, maximum } = 'minimum' in parameter || 'maximum' in parameter ? parameter : {};
  return {
    name,
    type: parameter.type,
    summary: `${parameter.summary}${boundsInWords(minimum, maximum)}`,
    required: isRequired(parameter),
    ...(parameter.default === undefined ? {} : { default: parameter.default }),
    ...(typeof minimum === 'number' ? { minimum } : {}),
    ...(typeof maximum === 'number' ? { maximum } : {}),
    ...(parameter.type === 'choice' ? { choices: parameter.choices } : {}),
  };
}

/** The view has numbers for bounds; those of durations and sizes are words. */
function boundsInWords(minimum: unknown, maximum: unknown): string {
  const bounds = [
    typeof minimum === 'string' ? `at least ${minimum}` : '',
    typeof maximum === 'string' ? `at most ${maximum}` : '',
  ].filter((bound) => bound !== '');
  return bounds.length === 0 ? '' : ` (${bounds.join(', ')})`;
}
