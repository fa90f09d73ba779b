/** The control plane's clock, as far as a browser can know it: deadlines are its, and a phone's clock may be wrong. */

let offsetMs = 0;

/** Learns from the `Date` header of an answer. Only differences that cannot come from its resolution of 1 s count. */
export function learnServerTime(dateHeader: string | null, sentAt: number, receivedAt: number): void {
  const theirs = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  if (Number.isNaN(theirs)) return;
  const difference = theirs + 500 - (sentAt + receivedAt) / 2;
  offsetMs = Math.abs(difference) > 2500 ? difference : 0;
}

/** Milliseconds since 1970 by the control plane's clock. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
