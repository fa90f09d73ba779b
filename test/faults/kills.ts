/** Kill cycles: start armed with a place, work until it dies there, see that it was SIGKILL. Counts hits. */
import assert from 'node:assert/strict';

/** A process that can be started to die at a place. */
export interface Mortal {
  /** By which signal the present process ended, or its exit code; pending while it runs. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
  /** Starts it again, armed or not. Resolves when it works, or is dead already. */
  start(failPoint: string | null): Promise<void>;
}

/** The present life of the process that is to die. */
export interface Life {
  readonly over: boolean;
}

/** One place and the work that passes it. */
export interface Place {
  readonly name: string;
  /** `torn-write` leaves half of what was about to be written. */
  readonly act?: 'kill' | 'torn-write';
  readonly work: (life: Life) => Promise<unknown>;
}

const HIT_MS = 120_000;

export class KillCycles {
  readonly hits = new Map<string, number>();
  readonly #endings = new Map<string, string[]>();
  readonly #mortal: Mortal;
  #last = '';

  constructor(mortal: Mortal) {
    this.#mortal = mortal;
  }

  /** One kill. `settle` runs first in the new life: what the death before left must come right. */
  async run({ name, act = 'kill', work }: Place, settle: (life: Life) => Promise<unknown>): Promise<void> {
    const mortal = this.#mortal;
    const before = this.#last;
    await mortal.start(`${name}:${act}`);
    const life = { over: false };
    const died = mortal.ended.then((how) => {
      life.over = true;
      return how;
    });
    const working = settle(life)
      .then((ending) => {
        if (typeof ending === 'string') this.note(before, ending);
        return work(life);
      })
      .then(
        () => died,
        async (error: unknown) => {
          // Work that fails because the process is dying is no failure; any other is.
          await Promise.race([died, pause(15_000)]);
          if (!life.over) throw error;
          return died;
        },
      );
    const how = await Promise.race([
      working,
      pause(HIT_MS).then(() => {
        if (!life.over) throw new Error(`nothing died at ${name} within ${HIT_MS / 1000} s`);
        return died;
      }),
    ]);
    assert.equal(how, 'SIGKILL', `the process was to die at ${name}`);
    this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
    this.#last = name;
    if (process.env.COUNTERSIGN_TEST_LOG) process.stderr.write(`died at ${name}\n`);
  }

  /** A death by `kill` at no place of its own: so many milliseconds after the work of a new life has begun. */
  async runFor(
    ms: number,
    kill: () => Promise<void>,
    work: (life: Life) => Promise<unknown>,
    settle: (life: Life) => Promise<unknown>,
  ): Promise<void> {
    await this.#mortal.start(null);
    const life = { over: false };
    const ending = await settle(life);
    if (typeof ending === 'string') this.note(this.#last, ending);
    // Its answer goes with the process, maybe while that is still being killed.
    const working = work(life).catch(() => undefined);
    await pause(ms);
    life.over = true;
    await kill();
    await working;
    const name = 'at any time';
    this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
    this.#last = name;
  }

  /** The death of a program that works by itself once it is started. */
  async runAlone(mortal: Mortal, name: string): Promise<void> {
    await mortal.start(`${name}:kill`);
    assert.equal(await mortal.ended, 'SIGKILL', `the program was to die at ${name}`);
    this.hits.set(name, (this.hits.get(name) ?? 0) + 1);
  }

  /** How what a death left over ended. */
  note(name: string, ending: string): void {
    this.#endings.set(name, [...(this.#endings.get(name) ?? []), ending]);
  }

  /** The table of the run: place, hits, how what was under way ended. */
  table(): string {
    const width = Math.max(...[...this.hits.keys()].map((name) => name.length));
    return [...this.hits]
      .map(([name, hits]) => `${name.padEnd(width)}  ${hits}  ${(this.#endings.get(name) ?? []).join(', ')}`)
      .join('\n');
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());

/** Waits for something while the process lives. Rejects when it is dead, or after the bound. */
export async function whileAlive<T>(
  life: Life,
  what: string,
  look: () => Promise<T | undefined | false>,
  boundMs = 110_000,
): Promise<T> {
  const until = performance.now() + boundMs;
  let last: unknown;
  for (;;) {
    if (life.over) throw new Error(`dead before ${what}`);
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) throw new Error(`waited ${boundMs} ms for ${what}; last: ${String(last)}`);
    // Each look is a request that both sides work for.
    await new Promise((resolve) => setTimeout(resolve, 75));
  }
}

/** How often each place is hit: 3 on every run, more with `COUNTERSIGN_KILLS`, as the soak does. */
export function killsEach(): number {
  return Number(process.env.COUNTERSIGN_KILLS ?? 3);
}

/** How often a process is killed at any time: once on every run, more with `COUNTERSIGN_RANDOM_KILLS`. */
export function killsAtAnyTime(): number {
  return Number(process.env.COUNTERSIGN_RANDOM_KILLS ?? 1);
}

/** Milliseconds between 0 and `most`, from a seed: `COUNTERSIGN_SEED`, or a new one. */
export function momentsOf(most: number): { readonly seed: number; next(): number } {
  const seed = Number(process.env.COUNTERSIGN_SEED ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  return {
    seed,
    next() {
      // A linear congruence, as in POSIX rand(3): enough to choose moments, and the same from the same seed.
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * most);
    },
  };
}
