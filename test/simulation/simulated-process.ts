/**
 * A process that can be killed at any point where it touches the world: a statement of the database, a call to the disk, a
 * frame, a step. Nothing that it had begun goes on: what waits then waits for ever, as after `kill -9`.
 */

/** What dead code meets when it calls a synchronous function of the world. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

export class SimulatedProcess {
  readonly name: string;
  /** After so many points it dies. */
  fuse = Number.POSITIVE_INFINITY;
  /** The point at which it died, or `idle`. */
  diedAt: string | null = null;
  #atDeath: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get alive(): boolean {
    return this.diedAt === null;
  }

  atDeath(then: () => void): void {
    this.#atDeath.push(then);
  }

  kill(point = 'idle'): void {
    if (!this.alive) return;
    this.diedAt = point;
    for (const then of this.#atDeath.splice(0)) then();
  }

  /** A point of synchronous code. Throws {@link Killed} when the process is dead, or dies here. */
  reach(point: string): void {
    if (this.alive) {
      this.fuse -= 1;
      if (this.fuse > 0) return;
      this.kill(point);
    }
    throw new Killed(`${this.name} was killed at ${this.diedAt}`);
  }

  /** A point of asynchronous code. Never goes on when the process is dead, or dies here. */
  pass(point: string): Promise<void> {
    try {
      this.reach(point);
      return Promise.resolve();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      return new Promise(() => undefined);
    }
  }
}
