/** A playbook in words, made from its data, so that what is read is what runs. */
import { type Condition, capability, describeCondition, escapeDeceptive, shorten } from '@countersign/protocol';
import { applies, fillIn, type Values } from './fill-in.ts';
import type { ProbeTemplate, StepTemplate } from './format.ts';
import type { Playbook } from './playbook.ts';

/** What it does with these parameters, as a title without a full stop: `Restart nginx.service`. Parsed or raw values. */
export function describe(playbook: Playbook, parameters: Readonly<Record<string, unknown>>): string {
  const values = Object.fromEntries(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, escapeDeceptive(shorten(String(value), 120))]),
  );
  const words = fillIn(playbook.title, values);
  return shorten(String(words).trim(), 240);
}

/** The whole of it in sentences: what must hold, what is done, how it is judged, how it is taken back. */
export function explain(playbook: Playbook, values: Values): string[] {
  if (playbook.diagnostics)
    return [`Reads ${listed(playbook.diagnostics.map((reading) => reading.diagnostic))}. Changes nothing.`];
  const steps = (playbook.steps ?? []).filter((step) => applies(step, values));
  const undo = playbook.undo.filter((step) => applies(step, values));
  const probes = (playbook.check?.probes ?? []).filter((probe) => applies(probe, values));
  return [
    ...playbook.preconditions
      .filter((probe) => applies(probe, values))
      .map((probe) => `It starts only when ${sayProbe(probe, values)}.`),
    ...steps.map((step, index) => `Step ${index + 1}: ${sayStep(step, values)}`),
    ...probes.map((probe) => `It has succeeded when ${sayProbe(probe, values)}.`),
    playbook.reversible
      ? undo.length > 0
        ? `When it fails: ${undo.map((step) => sayStep(step, values)).join(' Then: ')}`
        : 'When it fails, its steps are taken back in reverse.'
      : 'It cannot be taken back.',
  ];
}

function sayStep(step: StepTemplate, values: Values): string {
  const parameters = Object.entries(fillIn(step.parameters, values) as object)
    .map(([name, value]) => `${name} ${escapeDeceptive(shorten(JSON.stringify(value), 120))}`)
    .join(', ');
  const summary = capability(step.capability).summary.replace(/ Only as an undo\.$/, '');
  return parameters === '' ? summary : `${summary.replace(/\.$/, '')} (${parameters}).`;
}

function sayProbe(probe: ProbeTemplate, values: Values): string {
  const parameters = Object.values(fillIn(probe.parameters, values) as object).map((value) =>
    escapeDeceptive(shorten(String(value), 120)),
  );
  const expected = Object.entries(fillIn(probe.expect, values) as Record<string, Condition>).map(
    ([field, condition]) => `${field} is ${describeCondition(condition)}`,
  );
  return `${[probe.capability, ...parameters].join(' ')} says that ${listed(expected)}`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
