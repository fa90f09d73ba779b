/**
 * Notices when agents have done coming and going, so that what their handshakes left is given back once. V8 keeps it otherwise: an idle
 * process makes too little garbage to be worth a collection, and ten thousand handshakes leave some 200 MB.
 */
import type { Cancel, Clock } from '@countersign/protocol';
import type { FleetFollower } from './registry.ts';

/** How long few come or go before it counts as rest, milliseconds. */
export const REST_MS = 5000;
/** So many in that time are few: of thousands somebody always comes. */
export const FEW = 50;
/** Fewer than so many leave nothing worth a collection. */
export const MANY = 100;
/** Nor do fewer than this part of those who are connected: a collection goes through what belongs to all of them, and all wait for it. */
const PART = 0.1;

export class Rest implements FleetFollower, Disposable {
  readonly #clock: Clock;
  readonly #onRest: () => void;
  readonly #isBusy: () => boolean;
  /** Who came or went since memory was given back, and since the last look. */
  #moved = 0;
  #movedLately = 0;
  #connected = 0;
  #cancel: Cancel | null = null;

  /** `onRest` is called once after the start, which leaves something too, and again whenever many came or went and that is over; not while `isBusy`: where we get little of the processor, few come, though many wait. */
  constructor(clock: Clock, onRest: () => void, isBusy: () => boolean = () => false) {
    this.#clock = clock;
    this.#isBusy = isBusy;
    this.#onRest = onRest;
    this.#lookLater();
  }

  connected(): void {
    this.#connected += 1;
    this.#move();
  }

  disconnected(): void {
    this.#connected -= 1;
    this.#move();
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
  }

  #move(): void {
    this.#moved += 1;
    this.#movedLately += 1;
    const many = Math.max(MANY, this.#connected * PART);
    if (this.#cancel === null && this.#moved >= many) this.#lookLater();
  }

  #lookLater(): void {
    this.#movedLately = 0;
    this.#cancel = this.#clock.after(REST_MS, () => {
      if (this.#movedLately > FEW || this.#isBusy()) return this.#lookLater();
      this.#cancel = null;
      this.#moved = 0;
      this.#onRest();
    });
  }
}
