/** Errors since a deploy against the time before it: of a unit's journal, and of an access log in the format `combined`. */
import type { DeployCheck } from '@countersign/protocol';
import { readTail } from '../../host/read-tail.ts';
import type { ObserveContext } from '../capability.ts';
import { readJournal } from '../logs/journal.ts';
import { readAccessLog } from '../nginx/nginx-logs.ts';
import { count, sayRatio } from '../report.ts';

const MINUTE = 60_000;
const LINES_MAX = 2000;
const ERROR = 3;
const LOG_BYTES = 8 * 1024 * 1024;
/** Fewer requests than this say nothing about a share. */
const REQUESTS_MIN = 20;
/** Errors a minute that are more than the noise of any program. */
const NOISE = 2;

/** When the release was taken up, how long before that counts as before, and now. Milliseconds. */
export interface Span {
  readonly since: number;
  readonly baselineMs: number;
  readonly now: number;
}

/** Errors that a unit wrote, for each minute. Fails when there are over three times as many as before, and more than noise. */
export async function journalErrors(context: ObserveContext, unit: string, span: Span): Promise<DeployCheck> {
  const from = span.since - span.baselineMs;
  const answer = await readJournal(context, { unit, since: from, lines: LINES_MAX, maxLevel: ERROR });
  if (answer.blind !== null) return unknown(`Errors of ${unit} could not be counted: ${answer.blind}.`);
  const after = answer.lines.filter(({ at }) => at >= span.since).length;
  const before = answer.lines.filter(({ at }) => at >= from && at < span.since).length;
  const cut = answer.lines.length >= LINES_MAX;
  return judge({
    what: `${unit} wrote ${count(after, 'error')} since`,
    after: after / minutes(span.now - span.since),
    before: cut ? null : before / minutes(span.baselineMs),
  });
}

/** Pure: whether errors a minute are more than before. `before` is `null` where it is not known. */
export function judge(rates: {
  readonly what: string;
  readonly after: number;
  readonly before: number | null;
}): DeployCheck {
  const { what, after, before } = rates;
  const said = `${what}: ${round(after)} a minute, ${before === null ? 'more than can be counted in all' : `${round(before)} before`}.`;
  if (after <= NOISE) return { check: 'errors', result: 'pass', said };
  if (before === null) return { check: 'errors', result: 'unknown', said };
  return { check: 'errors', result: after > Math.max(NOISE, before * 3) ? 'fail' : 'pass', said };
}

/** The share of answers 5xx since the deploy. Fails above 5 % when it is over twice that of before. */
export function accessErrors(context: ObserveContext, path: string, span: Span): DeployCheck {
  const roots = { roots: [path], denied: context.localPolicy.deniedPaths ?? [] };
  const { text } = readTail(path, roots, LOG_BYTES);
  const all = readAccessLog(text, span.since - span.baselineMs);
  const after = readAccessLog(text, span.since);
  const before = { requests: all.requests - after.requests, errors: all.serverErrors - after.serverErrors };
  if (after.requests < REQUESTS_MIN)
    return unknown(`${count(after.requests, 'request')} since are too few to tell the share of 5xx in ${path}.`);
  const now = after.serverErrors / after.requests;
  const then = before.requests < REQUESTS_MIN ? null : before.errors / before.requests;
  const said = `${sayRatio(now)} of ${count(after.requests, 'request')} since ended with 5xx, ${then === null ? 'and too few before to compare' : `${sayRatio(then)} before`}.`;
  if (now <= 0.05) return { check: 'errors', result: 'pass', said };
  return { check: 'errors', result: then !== null && now <= then * 2 ? 'pass' : 'fail', said };
}

const unknown = (said: string): DeployCheck => ({ check: 'errors', result: 'unknown', said });
/** Never less than one, so that a single error in the first second is not sixty a minute. */
const minutes = (ms: number) => Math.max(1, ms / MINUTE);
const round = (rate: number) => Math.round(rate * 10) / 10;
