/**
 * Secrets by reference: `{{secret:name}}` stands for a value that the owner of a server named in its policy. It travels, is
 * shown, signed and kept as a reference; the runner puts the value in its place at the moment of the step and nowhere else.
 */
import type { PlanStep } from './plan.ts';

/** The name of a secret, as a server's policy gives it. */
export const secretNamePattern = /^[a-z][a-z0-9_-]{0,39}$/;

const REFERENCE = /\{\{secret:([a-z][a-z0-9_-]{0,39})\}\}/g;
const ANY = /\{\{\s*secret\s*:/;

/** The names of the secrets that a text refers to, each once. */
export function secretNamesIn(text: string): string[] {
  return [...new Set([...text.matchAll(REFERENCE)].map(([, name = '']) => name))];
}

/** What is said of a text's secrets beforehand: `the value of secret db_password`. `null` when it has none. */
export function saySecrets(text: string): string | null {
  const names = secretNamesIn(text).map((name) => `the value of secret ${name}`);
  return names.length === 0 ? null : names.join(', ');
}

/** A text with the value of each secret in the place of its reference. `lookUp` throws for a name that nobody knows. */
export function fillSecrets(text: string, lookUp: (name: string) => string): string {
  // A replacement function, so that `$&` and the like in a value mean nothing.
  return text.replace(REFERENCE, (_, name: string) => lookUp(name));
}

/** Where a reference may stand: content and input, never the words of a command line, which everybody on the server can see. */
const MAY_HOLD: Partial<Record<PlanStep['capability'], readonly string[]>> = {
  'file.write': ['content'],
  'config.set_key': ['value'],
  'command.run': ['stdin', 'environment'],
};

/** The parameter of a step that refers to a secret where none may stand, or does so in a wrong form; `null` when none does. */
export function misplacedSecret({
  capability,
  parameters,
}: Pick<PlanStep, 'capability' | 'parameters'>): string | null {
  const allowed = MAY_HOLD[capability] ?? [];
  for (const [name, value] of Object.entries(parameters)) {
    const texts = textsIn(value);
    if (!allowed.includes(name) && texts.some((text) => ANY.test(text))) return name;
    if (texts.some((text) => ANY.test(text.replace(REFERENCE, '')))) return name;
  }
  return null;
}

/** The names of all secrets that steps refer to, each once. */
export function secretsOf(steps: readonly Pick<PlanStep, 'parameters'>[]): string[] {
  return [...new Set(steps.flatMap(({ parameters }) => textsIn(parameters).flatMap(secretNamesIn)))];
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  // Names too: a reference as the name of a variable would be one in the wrong place.
  return value !== null && typeof value === 'object'
    ? Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)])
    : [];
}
