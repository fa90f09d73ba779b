/** When what a finding tells began and when it was last seen, so that what happened together can be told from what did not. Pure. */
import type { Found } from './things-of.ts';

/** Milliseconds since 1970. `from` is `null` where nobody knows since when. */
export interface Span {
  readonly from: number | null;
  readonly until: number;
}

const MINUTE = 60_000;
/** Kinds that count what happened lately and say no `since`: what they tell began within that time at the earliest. */
const LOOKS_BACK: Readonly<Record<string, number>> = {
  'nginx.upstream_errors': 15 * MINUTE,
  'nginx.server_errors': 15 * MINUTE,
};
/** Kinds that tell of something that happened, once or more, and may be over. All others tell of what is so now. */
const EVENTS = new Set(['memory.oom_kill', 'deploy.recent', 'host.booted', 'storage.io_errors']);
const STAMP = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

export function spanOf({ kind, since, evidence }: Pick<Found, 'kind' | 'since' | 'evidence'>, now: number): Span {
  const told = since === undefined ? Number.NaN : Date.parse(since);
  const back = LOOKS_BACK[kind];
  const from = Number.isNaN(told) ? (back === undefined ? null : now - back) : told;
  if (!EVENTS.has(kind)) return { from, until: now };
  // The lines say when it happened last.
  const stamps = evidence
    .flatMap(({ untrusted_output }) => untrusted_output.match(STAMP) ?? [])
    .map((stamp) => Date.parse(stamp))
    .filter((at) => at <= now && (from === null || at >= from));
  return { from, until: stamps.length === 0 ? (from ?? now) : Math.max(...stamps) };
}

/** Whether two spans overlap, or are no further apart than that. What has no beginning began long ago. */
export function meet(one: Span, other: Span, withinMs: number): boolean {
  const begin = (span: Span) => span.from ?? Number.NEGATIVE_INFINITY;
  return begin(one) <= other.until + withinMs && begin(other) <= one.until + withinMs;
}

/** Whether `later` began after `earlier` did, by no more than that. Clocks of logs and units differ by a second or two. */
export function follows(later: Span, earlier: Span, withinMs: number): boolean {
  if (later.from === null || earlier.from === null) return false;
  const gap = later.from - earlier.from;
  return gap >= -SAME_MOMENT_MS && gap <= withinMs;
}

const SAME_MOMENT_MS = 5000;
