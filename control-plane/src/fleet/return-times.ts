/**
 * When those are to come back who were sent away: one after the other, as fast as handshakes go, so that each finds a short line and nobody
 * comes in vain. Each address has a calendar of its own, and shares the pace with the others that have one: who comes too often from
 * one address moves only the dates of that address (threat T13).
 */
const FIRST_MS = 1000;
/** Nobody is kept away for longer, milliseconds: by then things may be better. */
const LONGEST_MS = 120_000;
/** Where the pace is not known. */
const UNKNOWN_MS = 2000;
/** Bounded, since strangers may have many addresses. */
const ADDRESSES_MAX = 50_000;

export class ReturnTimes {
  readonly #random: () => number;
  /** The last date that was given, by address, on the monotonic clock. */
  readonly #last = new Map<string, number>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** In how many milliseconds one from this address is to come back. */
  next(address: string, now: number, perSecond: number | undefined): number {
    if (perSecond === undefined) return UNKNOWN_MS;
    const last = Math.max(now, this.#last.get(address) ?? now);
    const sharers = Math.max(1, this.#last.size);
    const at = Math.min(now + LONGEST_MS, last + (sharers * 1000) / perSecond);
    if (this.#last.size < ADDRESSES_MAX) this.#last.set(address, at);
    const ms = at - now;
    // Beyond the last date nobody has one of their own: they are spread.
    return ms < LONGEST_MS ? Math.max(FIRST_MS, ms) : LONGEST_MS * (0.5 + this.#random() / 2);
  }

  /** Forgets dates that are over. */
  forgetBefore(now: number): void {
    for (const [address, at] of this.#last) if (at <= now) this.#last.delete(address);
  }
}
