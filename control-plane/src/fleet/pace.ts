/**
 * How many handshakes are done in a second, by the clock on the wall, so that it tells what this process gets of the machine, too. Two figures:
 * what is done while others wait, and what could be done if all time went into handshakes. The first is too low for a forecast while a burst
 * of connections is taken, which is over sooner than the handshakes; the second is too high for long, since to send others away takes
 * time: they come back too soon then, and take more of it.
 */
import type { Clock } from '@countersign/protocol';

/** Measured over so much work, milliseconds, and so many handshakes. */
const WORK_MS = 200;
const FEWEST = 20;
/** What was measured so long ago says nothing of now, milliseconds. */
const OLD_MS = 10_000;
/** Whoever came with a burst was taken, or gave up, after so much waiting, milliseconds: as long as links wait for us. */
const BURST_MS = 15_000;

export class Pace {
  readonly #clock: Clock;
  #figures: { readonly done: number; readonly possible: number; readonly at: number } | undefined;
  /** What is being measured: handshakes that are over, and how long was worked on them, and how long somebody waited. */
  #over = 0;
  #workedMs = 0;
  #waitedMs = 0;
  /** How long somebody has waited since nobody did for long. */
  #burstMs = 0;
  #isWaiting = false;
  #lookedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What could be done in a second; undefined while it is not known. */
  get possible(): number | undefined {
    return this.#current?.possible;
  }

  /** What is likely to be done in a second; undefined while it is not known. */
  get likely(): number | undefined {
    if (this.#current === undefined) return undefined;
    const { done, possible } = this.#current;
    return this.#burstMs < BURST_MS ? Math.sqrt(done * possible) : done;
  }

  /** Somebody waits now, or nobody does; and so much was worked since the last time. */
  look(isWaiting: boolean, workedMs = 0): void {
    const now = this.#clock.monotonic();
    const passedMs = now - this.#lookedAt;
    if (passedMs > OLD_MS && !this.#isWaiting) this.#burstMs = 0;
    if (this.#isWaiting) {
      this.#waitedMs += passedMs;
      this.#burstMs += passedMs;
      this.#workedMs += workedMs;
    }
    this.#isWaiting = isWaiting;
    this.#lookedAt = now;
  }

  /** A handshake is over, or does not count any more. */
  isOver(): void {
    if (!this.#isWaiting) return;
    this.#over += 1;
    if (this.#workedMs < WORK_MS || this.#over < FEWEST) return;
    const [done, possible] = [this.#waitedMs, this.#workedMs].map((ms) => (this.#over * 1000) / ms) as [number, number];
    const before = this.#current ?? { done, possible };
    this.#figures = {
      done: (before.done + done) / 2,
      possible: (before.possible + possible) / 2,
      at: this.#clock.monotonic(),
    };
    this.#over = 0;
    this.#workedMs = 0;
    this.#waitedMs = 0;
  }

  get #current() {
    const isOld = this.#figures === undefined || this.#clock.monotonic() - this.#figures.at > OLD_MS;
    return isOld ? undefined : this.#figures;
  }
}
