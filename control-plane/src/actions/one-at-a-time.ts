/** Repeatable work, one run at a time per key: a wish that comes during a run is met by one more run after it. */
import type { Log } from '../ports.ts';

export interface OneAtATime {
  /** Has the work done for a key. Resolves when nothing is left to do for it; failures are logged. */
  start(key: string): Promise<void>;
  /** Resolves when all that is under way has ended. */
  idle(): Promise<void>;
}

export function oneAtATime(log: Log, failure: string, work: (key: string) => Promise<void>): OneAtATime {
  const runs = new Map<string, { again: boolean; done: Promise<void> }>();

  const run = async (key: string, state: { again: boolean }) => {
    try {
      do {
        state.again = false;
        await work(key);
      } while (state.again);
    } catch (error) {
      log.error(failure, { key, error });
    } finally {
      runs.delete(key);
    }
  };
  return {
    start(key) {
      const present = runs.get(key);
      if (present) {
        present.again = true;
        return present.done;
      }
      const state = { again: false, done: Promise.resolve() };
      runs.set(key, state);
      state.done = run(key, state);
      return state.done;
    },
    async idle() {
      await Promise.all([...runs.values()].map(({ done }) => done));
    },
  };
}
