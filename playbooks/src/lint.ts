/**
 * What the form of a playbook cannot say: references that lead somewhere, capabilities that get what they need, a risk that is
 * not played down. A playbook without problems renders for every set of parameters that it accepts.
 */
import { type CapabilityId, capability, fillSecrets, misplacedSecret, riskAtMost } from '@countersign/protocol';
import { z } from 'zod';
import { fillIn, referencesIn, type Values } from './fill-in.ts';
import type { PlaybookFile } from './format.ts';
import { isRequired, sampleValue, valueSchema } from './parameter-types.ts';
import type { Problem } from './parse-yaml.ts';
import { stepRisk } from './playbook.ts';

interface Part {
  readonly path: readonly (string | number)[];
  readonly capability: CapabilityId;
  readonly parameters: Record<string, unknown>;
  readonly when?: string | undefined;
  readonly expect?: Record<string, unknown>;
}

/** The problems of a file that has the right form; none when it can be used. */
export function lint(file: PlaybookFile): Problem[] {
  return [
    ...lintShape(file),
    ...lintParameters(file),
    ...lintReferences(file),
    ...partsOf(file).flatMap((part) => lintPart(part, file)),
    ...lintPreconditions(file),
    ...lintStepIds(file),
    ...lintSecrets(file),
  ];
}

function lintShape(file: PlaybookFile): Problem[] {
  const problems: Problem[] = [];
  if ((file.steps === undefined) === (file.diagnostics === undefined))
    problems.push({ path: [], message: 'either steps (it changes something) or diagnostics (it reads) is needed' });
  if (file.steps !== undefined && file.check === undefined)
    problems.push({ path: ['steps'], message: 'a playbook with steps needs a check that says whether they helped' });
  if (file.diagnostics !== undefined)
    for (const name of ['check', 'undo', 'preconditions', 'risk'] as const)
      if (name in file && file[name] !== undefined && !(Array.isArray(file[name]) && file[name].length === 0))
        problems.push({ path: [name], message: `a playbook that only reads has no ${name}` });
  if (file.risk !== undefined && !riskAtMost(stepRisk(file), file.risk))
    problems.push({ path: ['risk'], message: `must be at least ${stepRisk(file)}, the highest risk of its steps` });
  return problems;
}

function lintParameters(file: PlaybookFile): Problem[] {
  return Object.entries(file.parameters).flatMap(([name, parameter]) => {
    const path = ['parameters', name];
    if (parameter.default !== undefined && parameter.optional === true)
      return [{ path, message: 'has a default, so it cannot be optional too' }];
    const sample = valueSchema(parameter).safeParse(sampleValue(parameter));
    if (parameter.default !== undefined && !sample.success)
      return [{ path: [...path, 'default'], message: `does not fit: ${z.prettifyError(sample.error)}` }];
    if (!sample.success) return [{ path, message: 'no value can fit its bounds' }];
    const used = referencesIn(file).includes(name) || whensOf(file).some(({ when }) => when === name);
    return used ? [] : [{ path, message: 'is used nowhere' }];
  });
}

function whensOf(file: PlaybookFile): { readonly path: readonly (string | number)[]; readonly when: string }[] {
  return partsOf(file).flatMap(({ path, when }) => (when === undefined ? [] : [{ path: [...path, 'when'], when }]));
}

/** Names that no parameter has, and optional ones where something must stand. */
function lintReferences(file: PlaybookFile): Problem[] {
  const problems: Problem[] = [];
  const known = (name: string) => Object.hasOwn(file.parameters, name);
  const walk = (part: unknown, path: readonly (string | number)[], given: readonly string[]): void => {
    if (typeof part === 'string') {
      for (const name of referencesIn(part)) {
        const parameter = file.parameters[name];
        if (parameter === undefined) problems.push({ path, message: `there is no parameter ${name}` });
        else if (parameter.optional && !given.includes(name) && !mayBeLeftOut(path, part))
          problems.push({
            path,
            message: `parameter ${name} is optional: add \`when: ${name}\`, or give it a default`,
          });
      }
      if (/\{\{|\}\}/.test(fillSecrets(part.replace(/\{\{\s*[a-z][a-z0-9_]*\s*\}\}/g, ''), () => '')))
        problems.push({
          path,
          message: 'only {{name}} with the name of a parameter, or {{secret:name}}, can stand in braces',
        });
    } else if (Array.isArray(part)) for (const [index, item] of part.entries()) walk(item, [...path, index], given);
    else if (part !== null && typeof part === 'object') {
      const when = 'when' in part && typeof part.when === 'string' ? [...given, part.when] : given;
      for (const [name, member] of Object.entries(part)) walk(member, [...path, name], when);
    }
  };
  for (const [name, member] of Object.entries(file)) if (name !== 'parameters') walk(member, [name], []);
  for (const { path, when } of whensOf(file)) {
    if (!known(when)) problems.push({ path, message: `there is no parameter ${when}` });
    else if (file.parameters[when]?.optional !== true)
      problems.push({ path, message: `parameter ${when} is always given, so \`when\` says nothing` });
  }
  return problems;
}

/** Whether a text is a whole parameter of a capability, which then takes its own default. */
function mayBeLeftOut(path: readonly (string | number)[], text: string): boolean {
  return path.at(-2) === 'parameters' && /^\{\{[^{}]*\}\}$/.test(text);
}

function partsOf(file: PlaybookFile): Part[] {
  const parts = (name: string, list: readonly Omit<Part, 'path'>[] | undefined, at: readonly string[] = [name]) =>
    (list ?? []).map((part, index) => ({ ...part, path: [...at, index] }));
  return [
    ...parts('preconditions', file.preconditions),
    ...parts('steps', file.steps),
    ...parts('check', file.check?.probes, ['check', 'probes']),
    ...parts('undo', file.undo),
    ...parts(
      'diagnostics',
      file.diagnostics?.map((reading) => ({ ...reading, capability: reading.diagnostic })),
    ),
  ];
}

/** Tries a part with samples of all parameters, and with only those that are always given. */
function lintPart(part: Part, file: PlaybookFile): Problem[] {
  const all = Object.entries(file.parameters);
  const always = all.filter(
    ([name, parameter]) => isRequired(parameter) || parameter.default !== undefined || name === part.when,
  );
  const { parameters, result } = capability(part.capability);
  const unknown = Object.keys(part.parameters).filter((name) => !Object.hasOwn(parameters.shape, name));
  if (unknown.length > 0)
    return unknown.map((name) => ({
      path: [...part.path, 'parameters', name],
      message: `${part.capability} has no parameter ${name}; it has ${Object.keys(parameters.shape).join(', ') || 'none'}`,
    }));
  for (const entries of [all, always]) {
    const values: Values = Object.fromEntries(entries.map(([name, parameter]) => [name, sampleValue(parameter)]));
    const parsed = parameters.safeParse(fillIn(part.parameters, values));
    if (!parsed.success)
      return parsed.error.issues.map((issue) => ({
        path: [...part.path, 'parameters', ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))],
        message: `does not fit ${part.capability}: ${issue.path.join('.') || 'parameters'}: ${issue.message}`,
      }));
  }
  const fields = result instanceof z.ZodObject ? Object.keys(result.shape) : [];
  return Object.keys(part.expect ?? {})
    .filter((field) => !fields.includes(field))
    .map((field) => ({
      path: [...part.path, 'expect', field],
      message: `${part.capability} does not say ${field}; it says ${fields.join(', ')}`,
    }));
}

const COMPARE = ['unchanged', 'as_before', 'no_more_than_before'];

/** Before the first step there is nothing yet to compare with. */
function lintPreconditions(file: PlaybookFile): Problem[] {
  return file.preconditions.flatMap(({ expect }, index) =>
    Object.entries(expect).flatMap(([field, condition]) =>
      COMPARE.filter((word) => word in condition).map((word) => ({
        path: ['preconditions', index, 'expect', field],
        message: `${word} compares two readings, so it can stand in the check only`,
      })),
    ),
  );
}

/** A secret goes into content and input only; the title and the words of a command are for all to read. */
function lintSecrets(file: PlaybookFile): Problem[] {
  const message =
    'a {{secret:name}} cannot stand here: only in file content, a value, standard input or the environment';
  const lists = [['steps', file.steps ?? []] as const, ['undo', file.undo] as const];
  const steps = lists.flatMap(([list, steps]) =>
    steps.flatMap((step, index) => {
      const parameter = misplacedSecret(step as never);
      return parameter === null ? [] : [{ path: [list, index, 'parameters', parameter], message }];
    }),
  );
  const words = (['title', 'summary'] as const).filter((name) => file[name].includes('{{secret:'));
  return [...steps, ...words.map((name) => ({ path: [name], message }))];
}

function lintStepIds(file: PlaybookFile): Problem[] {
  const seen = new Set<string>();
  const lists = [['steps', file.steps ?? []] as const, ['undo', file.undo] as const];
  return lists.flatMap(([list, steps]) =>
    steps.flatMap((step, index) => {
      const repeated = seen.has(step.id);
      seen.add(step.id);
      return repeated ? [{ path: [list, index, 'id'], message: `step id ${step.id} is used twice` }] : [];
    }),
  );
}
