/** A token bucket for frames and bytes: what one agent may send for long, and at once. Pure but for the clock. */
import type { Clock } from '@countersign/protocol';
import type { FleetLimits } from './limits.ts';

type Rates = Pick<FleetLimits, 'framesPerSecond' | 'framesAtOnce' | 'bytesPerSecond' | 'bytesAtOnce'>;

export class Allowance {
  readonly #clock: Clock;
  readonly #rates: Rates;
  #frames: number;
  #bytes: number;
  #countedAt: number;

  constructor(clock: Clock, rates: Rates) {
    this.#clock = clock;
    this.#rates = rates;
    this.#frames = rates.framesAtOnce;
    this.#bytes = rates.bytesAtOnce;
    this.#countedAt = clock.monotonic();
  }

  /** Counts one frame that came in. Returns how long not to read any more, milliseconds; 0 while within the allowance. */
  spend(bytes: number): number {
    const now = this.#clock.monotonic();
    const seconds = (now - this.#countedAt) / 1000;
    this.#countedAt = now;
    const { framesPerSecond, framesAtOnce, bytesPerSecond, bytesAtOnce } = this.#rates;
    this.#frames = Math.min(framesAtOnce, this.#frames + seconds * framesPerSecond) - 1;
    this.#bytes = Math.min(bytesAtOnce, this.#bytes + seconds * bytesPerSecond) - bytes;
    if (this.#frames >= 0 && this.#bytes >= 0) return 0;
    return Math.ceil(Math.max(-this.#frames / framesPerSecond, -this.#bytes / bytesPerSecond) * 1000);
  }
}
