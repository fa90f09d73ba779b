/** Puts parameters where a playbook names them. Nothing is computed and nothing is parsed again afterwards. */
import { REFERENCE, WHOLE_REFERENCE } from './format.ts';

export type Value = string | number | boolean;
export type Values = Readonly<Record<string, Value>>;

/** The names of the parameters that a part of a playbook refers to, in order, each once. */
export function referencesIn(part: unknown): string[] {
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value === 'string') for (const [, name] of value.matchAll(REFERENCE)) names.add(name ?? '');
    else if (value !== null && typeof value === 'object') for (const member of Object.values(value)) walk(member);
  };
  walk(part);
  return [...names];
}

/**
 * A part of a playbook with its references replaced. A text that is one reference becomes the value itself, with its type; inside
 * a longer text the value is written out. A member whose value is a parameter that was not given is left out.
 */
export function fillIn(part: unknown, values: Values): unknown {
  if (typeof part === 'string') return fillInText(part, values);
  if (Array.isArray(part)) return part.map((item) => fillIn(item, values)).filter((item) => item !== undefined);
  if (part !== null && typeof part === 'object') {
    const members = Object.entries(part).map(([name, member]) => [name, fillIn(member, values)] as const);
    return Object.fromEntries(members.filter(([, member]) => member !== undefined));
  }
  return part;
}

/** Whether a part with this `when` is in the plan. */
export function applies(part: { readonly when?: string | undefined }, values: Values): boolean {
  return part.when === undefined || Object.hasOwn(values, part.when);
}

function fillInText(text: string, values: Values): Value | undefined {
  const whole = WHOLE_REFERENCE.exec(text)?.[1];
  if (whole !== undefined) return Object.hasOwn(values, whole) ? values[whole] : undefined;
  // A replacement function, so that `$&` and the like in a value mean nothing.
  return text.replace(REFERENCE, (_, name: string) => String(Object.hasOwn(values, name) ? values[name] : ''));
}
