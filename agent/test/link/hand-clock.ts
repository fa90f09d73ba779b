/** A clock for tests of what waits by itself. */
import type { Clock } from '@countersign/protocol';

/** A clock that goes on when it is told. */
export class HandClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly then: () => void }[] = [];

  now = () => this.#now;
  monotonic = () => this.#now;

  after(ms: number, then: () => void) {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  get waiting(): number {
    return this.#timers.length;
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { then } of due) then();
  }
}
