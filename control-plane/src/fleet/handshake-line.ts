/**
 * Where agents wait for their turn to shake hands. When ten thousand come at once, a few are let in at a time and finish, instead of
 * all of them beginning and none getting through; who would wait too long is told at once when to come back, since one who gave up
 * meanwhile was work for nothing; and each turn of the event loop does one part of one handshake, some 0.3 ms, so that whoever works on
 * another server is not kept waiting (threat T13). Three milliseconds in each turn took as much processor altogether.
 */
import type { Cancel, Clock, Ids } from '@countersign/protocol';
import { FairLine, type InLine } from './fair-line.ts';
import type { FleetLimits } from './limits.ts';
import { nextTurn } from './next-turn.ts';
import { Pace } from './pace.ts';
import { ReturnTimes } from './return-times.ts';

/** While connections come, so many are taken before the next part of a handshake. */
const TAKEN_FIRST = 3;
/** After so many who are known, a stranger has its turn: a server that comes again and again keeps no stranger out for ever. */
const KNOWN_IN_A_ROW = 7;
/** A handshake that made no progress counts for so many ticks. Each tick is late where we ourselves have no processor: then nobody is slow but we. */
const TICKS = 10;
const SWEEP_MS = 1000;
/** Under way at once: as many as are done in a second, as far as that is known. */
const AT_ONCE = { least: 64, first: 128 };

type Limits = Pick<FleetLimits, 'inLineMs' | 'handshakesAtOnce' | 'handshakeCountsMs' | 'unprovenMax'>;

/** Somebody who wants to connect and has not been answered at all. */
export interface Arrival {
  /** Who shares turns: one address, or the network of one machine (`visitorOf`). */
  readonly address: string;
  /** Whether an agent has proven itself from the same address: then it is let in before strangers, however many they are. */
  readonly isKnown: boolean;
  readonly letIn: () => void;
  /** It is to come back in so many milliseconds. */
  readonly sendAway: (comeBackMs: number) => void;
}

interface Kind {
  readonly line: FairLine<Arrival & InLine>;
  readonly returns: ReturnTimes;
}

export class HandshakeLine {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** Frames that came, and those that are dealt with now, the next one last: to take the first off a long list costs its length. */
  #came: (() => void)[] = [];
  #frames: (() => void)[] = [];
  readonly #known: Kind;
  readonly #strangers: Kind;
  #knownInARow = 0;
  /** Who was let in, and at which tick; in that order. */
  readonly #underWay = new Map<object, number>();
  readonly #pace: Pace;
  #isWorking = false;
  #isCrowded = false;
  #isClosed = false;
  #tick = 0;
  #alarm: Cancel | undefined;
  #sweptAt = 0;

  constructor({ clock, ids }: { readonly clock: Clock; readonly ids: Pick<Ids, 'random'> }, limits: Limits) {
    this.#clock = clock;
    this.#pace = new Pace(clock);
    this.#limits = limits;
    const kind = (): Kind => ({ line: new FairLine(), returns: new ReturnTimes(() => ids.random()) });
    this.#known = kind();
    this.#strangers = kind();
  }

  /** Whether anybody waits or shakes hands. */
  get isBusy(): boolean {
    return this.#waiting > 0 || this.#underWay.size > 0;
  }

  /** A connection came: there may be more, and the system hands us only one in each turn. Source: libuv 1.52, uv__server_io. */
  connected(): void {
    this.#isCrowded = true;
  }

  /** `of` waits until it is let in or sent away. */
  arrive(of: object, arrival: Arrival): void {
    const now = this.#clock.monotonic();
    const { line } = this.#kindOf(arrival);
    const { inLineMs, unprovenMax } = this.#limits;
    // Half of what it may take at most, since the pace changes.
    if (this.#isClosed || line.size >= unprovenMax || this.#waitOf(arrival) > inLineMs / 2) {
      this.#sendAway(arrival, now);
      return;
    }
    line.add(of, { ...arrival, since: now });
    this.#pace.look(true);
    this.#tickLater();
    this.#wake();
  }

  /** A frame of a handshake came: before anybody else is let in, it is dealt with. Frames keep their order. `work` does not throw. */
  frame(work: () => void): void {
    this.#came.push(work);
    this.#wake();
  }

  /** `of` went away while it waited, or its handshake is over. */
  done(of: object): void {
    this.#known.line.delete(of);
    this.#strangers.line.delete(of);
    if (this.#underWay.delete(of)) this.#pace.isOver();
    if (this.#waiting > 0) this.#wake();
  }

  /** Sends away everybody who waits, and whoever comes from now on. */
  close(): void {
    this.#isClosed = true;
    this.#alarm?.();
    this.#sendAwayOlder(Infinity);
  }

  get #waiting(): number {
    return this.#known.line.size + this.#strangers.line.size;
  }

  #kindOf({ isKnown }: Pick<Arrival, 'isKnown'>): Kind {
    return isKnown ? this.#known : this.#strangers;
  }

  /** How long one who comes now would wait, milliseconds, as far as the pace is known. */
  #waitOf(arrival: Arrival): number {
    const { possible } = this.#pace;
    if (possible === undefined) return 0;
    let ahead = this.#kindOf(arrival).line.before(arrival.address);
    const known = this.#known.line.size;
    if (!arrival.isKnown) ahead += Math.min(known, ahead * KNOWN_IN_A_ROW);
    return (ahead * 1000) / possible;
  }

  #sendAway(arrival: Arrival, now: number): void {
    arrival.sendAway(this.#kindOf(arrival).returns.next(arrival.address, now, this.#pace.likely));
  }

  #sendAwayOlder(than: number): void {
    const now = this.#clock.monotonic();
    for (const { line, returns } of [this.#known, this.#strangers]) {
      for (const arrival of line.takeOlder(than)) this.#sendAway(arrival, now);
      returns.forgetBefore(now);
    }
  }

  #wake(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (let more = true; more; ) {
      await nextTurn();
      // A connection costs less than a handshake, and who waits to be taken from the system's queue can be told nothing.
      for (let n = 1; this.#isCrowded && n < TAKEN_FIRST; n += 1) {
        this.#isCrowded = false;
        await nextTurn();
      }
      this.#isCrowded = false;
      const began = this.#clock.monotonic();
      const work = this.#next();
      work?.();
      await doneForNow();
      this.#pace.look(this.#waiting > 0, this.#clock.monotonic() - began);
      more = work !== undefined;
    }
    this.#isWorking = false;
  }

  #next(): (() => void) | undefined {
    if (this.#frames.length === 0) [this.#frames, this.#came] = [this.#came.reverse(), this.#frames];
    const frame = this.#frames.pop();
    if (frame !== undefined) return frame;
    const atOnce = Math.max(AT_ONCE.least, this.#pace.possible ?? AT_ONCE.first);
    if (this.#underWay.size >= Math.min(this.#limits.handshakesAtOnce, atOnce)) return undefined;
    const next = this.#take();
    if (next === undefined) return undefined;
    const [of, arrival] = next;
    this.#underWay.set(of, this.#tick);
    return arrival.letIn;
  }

  #take(): readonly [object, Arrival] | undefined {
    const isStrangersTurn = this.#knownInARow >= KNOWN_IN_A_ROW && this.#strangers.line.size > 0;
    const known = isStrangersTurn ? undefined : this.#known.line.take();
    this.#knownInARow = known ? this.#knownInARow + 1 : 0;
    return known ?? this.#strangers.line.take();
  }

  /** Who takes long does not keep others out: a stranger who opens connections and says nothing would. */
  #forgetSlow(): void {
    for (const [of, since] of this.#underWay) {
      if (this.#tick - since < TICKS) return;
      this.#underWay.delete(of);
      this.#pace.isOver();
    }
  }

  /** While somebody waits or shakes hands, looks after those who take long, and after those who wait for long. */
  #tickLater(): void {
    this.#alarm ??= this.#clock.after(this.#limits.handshakeCountsMs / TICKS, () => {
      this.#alarm = undefined;
      this.#tick += 1;
      this.#forgetSlow();
      const now = this.#clock.monotonic();
      if (now - this.#sweptAt >= SWEEP_MS) {
        this.#sweptAt = now;
        this.#sendAwayOlder(now - this.#limits.inLineMs);
      }
      // The last who waited may have left: what passes now is nobody's waiting.
      this.#pace.look(this.#waiting > 0);
      if (!this.isBusy) return;
      this.#tickLater();
      if (this.#waiting > 0) this.#wake();
    });
  }
}

/** Resolves when what was begun has come as far as it can without waiting for the outside. */
const doneForNow = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
