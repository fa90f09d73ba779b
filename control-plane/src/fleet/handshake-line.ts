/**
 * Where agents wait for their turn to shake hands. When ten thousand come at once, a few are let in at a time and finish, instead of
 * all of them beginning and none getting through; and each turn of the event loop gives only a part of itself to handshakes, so that whoever
 * works on another server is not kept waiting (threat T13).
 */
import type { Cancel, Clock } from '@countersign/protocol';
import type { FleetLimits } from './limits.ts';
import { nextTurn } from './next-turn.ts';

/** How much of one turn of the event loop goes into handshakes, milliseconds. As long as all else took was tried: agents were not back sooner. */
const TURN_MS = 3;

type Limits = Pick<FleetLimits, 'handshakeMs' | 'handshakesAtOnce' | 'handshakeCountsMs'>;

/** Somebody who wants to connect and has not been answered at all. */
export interface Arrival {
  /** Whether an agent has proven itself from the same address: then it is let in before all strangers, however many they are. */
  readonly isKnown: boolean;
  readonly letIn: () => void;
  /** It has waited for as long as a handshake may take: it is to come back later. */
  readonly sendAway: () => void;
}

/** In the order in which they came. */
type Waiting = Map<object, Arrival & { readonly since: number }>;

export class HandshakeLine {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** Frames that came, and those that are dealt with now, the next one last: to take the first off a long list costs its length. */
  #came: (() => void)[] = [];
  #frames: (() => void)[] = [];
  readonly #known: Waiting = new Map();
  readonly #strangers: Waiting = new Map();
  /** Who was let in, and when; in that order. */
  readonly #underWay = new Map<object, number>();
  #isWorking = false;
  #alarm: Cancel | undefined;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many wait to be let in: of those who are known, or of strangers. */
  waiting({ isKnown }: Pick<Arrival, 'isKnown'>): number {
    return this.#ofKind(isKnown).size;
  }

  /** `of` waits until it is let in or sent away. */
  arrive(of: object, arrival: Arrival): void {
    this.#ofKind(arrival.isKnown).set(of, { ...arrival, since: this.#clock.monotonic() });
    this.#wake();
  }

  /** A frame of a handshake came: before anybody else is let in, it is dealt with. Frames keep their order. `work` does not throw. */
  frame(work: () => void): void {
    this.#came.push(work);
    this.#wake();
  }

  /** `of` went away while it waited, or its handshake is over. */
  done(of: object): void {
    this.#known.delete(of);
    this.#strangers.delete(of);
    if (this.#underWay.delete(of) && this.#known.size + this.#strangers.size > 0) this.#wake();
  }

  /** Sends away everybody who waits. */
  close(): void {
    this.#alarm?.();
    for (const waiting of [this.#known, this.#strangers]) {
      for (const { sendAway } of waiting.values()) sendAway();
      waiting.clear();
    }
  }

  #ofKind(isKnown: boolean): Waiting {
    return isKnown ? this.#known : this.#strangers;
  }

  #wake(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (let more = true; more; ) {
      await nextTurn();
      const until = this.#clock.monotonic() + TURN_MS;
      do {
        const work = this.#next();
        more = work !== undefined;
        work?.();
        if (more) await doneForNow();
      } while (more && this.#clock.monotonic() < until);
    }
    this.#isWorking = false;
  }

  #next(): (() => void) | undefined {
    if (this.#frames.length === 0) [this.#frames, this.#came] = [this.#came.reverse(), this.#frames];
    const frame = this.#frames.pop();
    if (frame !== undefined) return frame;
    const now = this.#clock.monotonic();
    // Who takes long does not keep others out: a stranger who opens connections and says nothing would.
    for (const [of, since] of this.#underWay) {
      if (now - since < this.#limits.handshakeCountsMs) break;
      this.#underWay.delete(of);
    }
    return this.#nextOf(this.#known, now) ?? this.#nextOf(this.#strangers, now);
  }

  #nextOf(waiting: Waiting, now: number): (() => void) | undefined {
    const { handshakeMs, handshakesAtOnce } = this.#limits;
    for (const [of, { since, letIn, sendAway }] of waiting) {
      const tooLate = now - since >= handshakeMs;
      if (!tooLate && this.#underWay.size >= handshakesAtOnce) return this.#lookAgain();
      waiting.delete(of);
      if (tooLate) return sendAway;
      this.#underWay.set(of, now);
      return letIn;
    }
    return undefined;
  }

  #lookAgain(): undefined {
    this.#alarm?.();
    this.#alarm = this.#clock.after(this.#limits.handshakeCountsMs, () => this.#wake());
  }
}

/** Resolves when what was begun has come as far as it can without waiting for the outside. */
const doneForNow = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
