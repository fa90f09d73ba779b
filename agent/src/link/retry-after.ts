/** When somebody who has no time for us says when to come back. Source: RFC 9110, sections 10.2.3 and 15.6.4. */

const UNAVAILABLE = 503;
/** Whoever answers is not proven yet: it keeps nobody away for longer than this, milliseconds. */
const LONGEST_MS = 300_000;

/** How long to wait, milliseconds; null when the answer does not say so in seconds. A date would need both clocks to agree. */
export function comeBackAfter({
  statusCode,
  headers,
}: {
  readonly statusCode?: number | undefined;
  readonly headers: { readonly 'retry-after'?: string | undefined };
}): number | null {
  const told = headers['retry-after'];
  if (statusCode !== UNAVAILABLE || told === undefined || !/^\d{1,9}$/.test(told)) return null;
  return Math.min(Number(told) * 1000, LONGEST_MS);
}
