/** What a reading must be for a precondition or a check to hold. A closed set of conditions, so that each can be said in words. */
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const conditionSchema = z.union([
  z.strictObject({ is: scalar }),
  z.strictObject({ not: scalar }),
  z.strictObject({ one_of: z.array(scalar).min(1) }),
  z.strictObject({ at_least: z.number() }),
  z.strictObject({ at_most: z.number() }),
  /** Equal in the reading right after the change and in the one after the stability window. */
  z.strictObject({ unchanged: z.literal(true) }),
]);
export type Condition = z.infer<typeof conditionSchema>;

/** Field of the reading → what it must be. */
export const expectationSchema = z.record(z.string(), conditionSchema);
export type Expectation = z.infer<typeof expectationSchema>;

/**
 * Compares a reading with what is expected. Returns the reasons why it does not hold, one sentence each; none when it holds.
 * `earlier` is the reading that `unchanged` compares with; without it `unchanged` holds.
 */
export function unmet(
  expected: Expectation,
  reading: Readonly<Record<string, unknown>>,
  earlier?: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(expected).flatMap(([field, condition]) => {
    const found = reading[field];
    if ('unchanged' in condition)
      return earlier === undefined || earlier[field] === found
        ? []
        : [`${field} changed from ${show(earlier[field])} to ${show(found)}`];
    return holds(condition, found) ? [] : [`${field} is ${show(found)}, expected ${describeCondition(condition)}`];
  });
}

/** A condition in words: `at least 3`. */
export function describeCondition(condition: Condition): string {
  if ('is' in condition) return show(condition.is);
  if ('not' in condition) return `anything but ${show(condition.not)}`;
  if ('one_of' in condition) return `one of ${condition.one_of.map(show).join(', ')}`;
  if ('at_least' in condition) return `at least ${condition.at_least}`;
  if ('at_most' in condition) return `at most ${condition.at_most}`;
  return 'unchanged';
}

function holds(condition: Exclude<Condition, { unchanged: true }>, found: unknown): boolean {
  if ('is' in condition) return found === condition.is;
  if ('not' in condition) return found !== undefined && found !== condition.not;
  if ('one_of' in condition) return condition.one_of.some((value) => value === found);
  if (typeof found !== 'number') return false;
  return 'at_least' in condition ? found >= condition.at_least : found <= condition.at_most;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
