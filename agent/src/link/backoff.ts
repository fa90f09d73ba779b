/** How long to wait before the next attempt: full jitter, so that a thousand links do not come back at the same moment. */
import type { Ids } from '@countersign/protocol';

const FIRST_MS = 1000;
const LONGEST_MS = 60_000;
/** How much later than told, at most: so much, and a part of what was told. */
const TOLD_MS = 1000;
const TOLD_PART = 0.1;

export class Backoff {
  readonly #ids: Pick<Ids, 'random'>;
  #failures = 0;

  constructor(ids: Pick<Ids, 'random'>) {
    this.#ids = ids;
  }

  /** Milliseconds to wait now: somewhere between 1 s and a bound that doubles with each failure, up to 60 s. */
  next(): number {
    this.#failures += 1;
    const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 10));
    return FIRST_MS + this.#ids.random() * (bound - FIRST_MS);
  }

  /**
   * Milliseconds to wait when we were told to come back after so many: then or a little later, since many others were told the same
   * second. Never less than after a failure, whoever says that we may come back at once.
   */
  told(ms: number): number {
    return Math.max(FIRST_MS, ms) + this.#ids.random() * (TOLD_MS + ms * TOLD_PART);
  }

  /** It worked: the next failure begins from the start. */
  reset(): void {
    this.#failures = 0;
  }
}
