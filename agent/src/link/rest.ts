/** Notices when work is over for a while, so that what it took of memory is given back once. */
import type { Cancel, Clock } from '@countersign/protocol';

/** So long nothing has been done. Signs of life and samples are not work. */
export const REST_MS = 5000;

export class Rest {
  readonly #clock: Clock;
  readonly #onRest: () => void;
  #last = 0;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, onRest: () => void) {
    this.#clock = clock;
    this.#onRest = onRest;
  }

  /** Something was done just now. */
  worked(): void {
    this.#last = this.#clock.monotonic();
    if (this.#cancel === null) this.#lookIn(REST_MS);
  }

  end(): void {
    this.#cancel?.();
  }

  #lookIn(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      const left = this.#last + REST_MS - this.#clock.monotonic();
      if (left > 0) return this.#lookIn(left);
      this.#cancel = null;
      this.#onRest();
    });
  }
}
