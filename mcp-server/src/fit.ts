/** Makes answers small enough for the clients: long texts are cut first, then rows; a hint says how to ask for less. */
import { shorten } from '@countersign/protocol';
import { clean } from './untrusted.ts';

const CAPS = [12_000, 8000, 4000, 2000, 1000, 500, 250];

/** Bytes of a value as JSON in UTF-8. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * The structure with clean text, as much of it as fits. `narrow` says how to ask for less; it becomes `hint` when
 * something was cut and the structure has no hint of its own.
 */
export function fit(structure: object, fits: (structure: object) => boolean, narrow: string): object {
  const whole = capped(structure, Number.POSITIVE_INFINITY) as Record<string, unknown>;
  if (fits(whole)) return whole;
  const hint = { hint: `Cut to fit: ${narrow}.` };
  let smaller: object = whole;
  for (const cap of CAPS) {
    smaller = { ...hint, ...(capped(whole, cap) as object) };
    if (fits(smaller)) return smaller;
  }
  while (!fits(smaller) && halveLargestList(smaller));
  return smaller;
}

/** A copy with every text clean and at most `cap` characters long. */
function capped(value: unknown, cap: number): unknown {
  if (typeof value === 'string') return shorten(clean(value), cap);
  if (Array.isArray(value)) return value.map((item) => capped(item, cap));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, capped(member, cap)]])),
  );
}

/** Halves the largest list; one of a single item is left alone while there are others. False when all lists are empty. */
function halveLargestList(value: object): boolean {
  const lists = listsIn(value).sort((a, b) => bytesOf(b) - bytesOf(a));
  const largest = lists.find((list) => list.length > 1) ?? lists.find((list) => list.length > 0);
  if (largest === undefined) return false;
  largest.length = Math.floor(largest.length / 2);
  return true;
}

function listsIn(value: unknown): unknown[][] {
  if (value === null || typeof value !== 'object') return [];
  const inside = Object.values(value).flatMap(listsIn);
  return Array.isArray(value) ? [value, ...inside] : inside;
}

/** How many of the first items fit, by halving. */
export function countThatFits<R>(items: readonly R[], fits: (items: readonly R[]) => boolean): number {
  if (fits(items)) return items.length;
  let least = 0;
  let most = Math.max(0, items.length - 1);
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (fits(items.slice(0, middle))) least = middle;
    else most = middle - 1;
  }
  return least;
}
