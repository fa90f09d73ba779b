/** What a reading must be for a precondition or a check to hold. A closed set of conditions, so that each can be said in words. */
import { z } from 'zod';
import { shorten } from './text.ts';

/** What a field must be for it to be compared. */
export const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export const conditionSchema = z.union([
  z.strictObject({ is: scalarSchema }),
  z.strictObject({ not: scalarSchema }),
  z.strictObject({ one_of: z.array(scalarSchema).min(1) }),
  z.strictObject({ at_least: z.number() }),
  z.strictObject({ at_most: z.number() }),
  /** Equal in the reading right after the change and in the one after the stability window. */
  z.strictObject({ unchanged: z.literal(true) }),
  /** Equal to what was read right before the first step. In a check only. */
  z.strictObject({ as_before: z.literal(true) }),
  /** A number, at most what was read right before the first step. In a check only. */
  z.strictObject({ no_more_than_before: z.literal(true) }),
]);
export type Condition = z.infer<typeof conditionSchema>;

/** Field of the reading → what it must be. */
export const expectationSchema = z.record(z.string(), conditionSchema);
export type Expectation = z.infer<typeof expectationSchema>;

type Reading = Readonly<Record<string, unknown>>;

/** What a reading is compared with besides fixed values. */
export interface Compared {
  /** The reading right after the change. Without it `unchanged` holds. */
  readonly earlier?: Reading | undefined;
  /** The reading right before the first step. Without it `as_before` and `no_more_than_before` do not hold. */
  readonly before?: Reading | undefined;
}

/** Compares a reading with what is expected. Returns the reasons why it does not hold, one sentence each; none when it holds. */
export function unmet(expected: Expectation, reading: Reading, { earlier, before }: Compared = {}): string[] {
  return Object.entries(expected).flatMap(([field, condition]) => {
    const found = reading[field];
    if ('unchanged' in condition)
      return earlier === undefined || earlier[field] === found
        ? []
        : [`${field} changed from ${show(earlier[field])} to ${show(found)}`];
    if (isAgainstBefore(condition)) return unlikeBefore(field, condition, found, before?.[field]);
    return holds(condition, found) ? [] : [`${field} is ${show(found)}, expected ${describeCondition(condition)}`];
  });
}

/** The fields that are compared with what they were right before the first step. */
export function comparedWithBefore(expected: Expectation): string[] {
  return Object.entries(expected).flatMap(([field, condition]) => (isAgainstBefore(condition) ? [field] : []));
}

/** A condition in words: `at least 3`. */
export function describeCondition(condition: Condition): string {
  if ('is' in condition) return show(condition.is);
  if ('not' in condition) return `anything but ${show(condition.not)}`;
  if ('one_of' in condition) return `one of ${condition.one_of.map(show).join(', ')}`;
  if ('at_least' in condition) return `at least ${condition.at_least}`;
  if ('at_most' in condition) return `at most ${condition.at_most}`;
  if ('as_before' in condition) return 'as before';
  if ('no_more_than_before' in condition) return 'no more than before';
  return 'unchanged';
}

type AgainstBefore = Extract<Condition, { as_before: true } | { no_more_than_before: true }>;

function isAgainstBefore(condition: Condition): condition is AgainstBefore {
  return 'as_before' in condition || 'no_more_than_before' in condition;
}

const SHOWN_MAX = 200;

function unlikeBefore(field: string, condition: AgainstBefore, found: unknown, before: unknown): string[] {
  if (before === undefined) return [`${field} is ${show(found)}, and it is not known what it was before`];
  const fewer =
    'no_more_than_before' in condition && typeof found === 'number' && typeof before === 'number' && found <= before;
  if (fewer || found === before) return [];
  // Both are told, also where they are long, such as the names of all containers.
  return [`${field} is ${shorten(show(found), SHOWN_MAX)}, was ${shorten(show(before), SHOWN_MAX)} before`];
}

function holds(condition: Exclude<Condition, AgainstBefore | { unchanged: true }>, found: unknown): boolean {
  if ('is' in condition) return found === condition.is;
  if ('not' in condition) return found !== undefined && found !== condition.not;
  if ('one_of' in condition) return condition.one_of.some((value) => value === found);
  if (typeof found !== 'number') return false;
  return 'at_least' in condition ? found >= condition.at_least : found <= condition.at_most;
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
