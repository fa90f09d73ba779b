/** Time that passes only when the simulation says so: one queue of timers for all machines. */
import type { Cancel, Clock } from '@countersign/protocol';
import type { Chance } from './chance.ts';
import { Killed, type SimulatedProcess } from './simulated-process.ts';

interface Timer {
  readonly at: number;
  /** Timers of the same moment come in an order that chance decides. */
  readonly tie: number;
  call: (() => void) | null;
}

export const EPOCH = Date.UTC(2026, 10, 20, 2, 13);

export class VirtualTime {
  /** Milliseconds since the beginning of the simulation. */
  now = 0;
  readonly #chance: Chance;
  readonly #heap: Timer[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  after(ms: number, then: () => void): Cancel {
    const timer: Timer = { at: this.now + Math.max(0, ms), tie: this.#chance.next(), call: then };
    push(this.#heap, timer);
    return () => {
      timer.call = null;
    };
  }

  /** When the next timer comes, or undefined. */
  get next(): number | undefined {
    while (this.#heap[0]?.call === null) pop(this.#heap);
    return this.#heap[0]?.at;
  }

  /** Passes on to the next timer and calls it. */
  step(): void {
    if (this.next === undefined) return;
    const timer = pop(this.#heap);
    if (!timer) return;
    this.now = Math.max(this.now, timer.at);
    try {
      timer.call?.();
    } catch (error) {
      if (!(error instanceof Killed)) throw error; // whoever it was died in the middle of it
    }
  }

  /** Lets time pass, and what it sets off come to rest, until nothing is due before `end`. */
  async passUntil(end: number): Promise<void> {
    await rest();
    for (let next = this.next; next !== undefined && next <= end; next = this.next) {
      this.step();
      await rest();
    }
    this.now = Math.max(this.now, end);
  }

  /** Everything stands still, as a suspended machine does: timers that were due meanwhile come late, once. */
  leap(ms: number): void {
    this.now += ms;
  }
}

/** Resolves when everything that can go on without time has done so: nothing here waits for a real file, socket or timer. */
export function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The clock of one machine. Its wall clock may be wrong, and may jump. */
export class MachineClock {
  /** How far the wall clock is ahead. */
  offsetMs = 0;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** The clock as one process on the machine sees it: its timers die with it. */
  of(process: SimulatedProcess): Clock {
    return {
      now: () => Math.floor(EPOCH + this.#time.now + this.offsetMs),
      monotonic: () => this.#time.now,
      after: (ms, then) => this.#time.after(ms, () => process.alive && then()),
    };
  }
}

function earlier(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
    const parent = heap[above] as Timer;
    if (!earlier(timer, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && earlier(heap[below + 1] as Timer, heap[below] as Timer)) below += 1;
    if (!earlier(heap[below] as Timer, last)) break;
    heap[at] = heap[below] as Timer;
    at = below;
  }
  heap[at] = last;
  return first;
}
