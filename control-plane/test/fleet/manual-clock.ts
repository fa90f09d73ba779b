/** A clock that stands still until a test moves it. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@countersign/protocol';

export interface ManualClock extends Clock {
  /** Moves on, calling what becomes due in its order; each gets time to do its work. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock without any time passing, as NTP does. */
  jump(ms: number): void;
}

export function manualClock(start = Date.UTC(2026, 10, 20, 2, 13)): ManualClock {
  let passed = 0;
  let jumped = 0;
  const timers = new Set<{ at: number; then: () => void }>();
  return {
    now: () => start + passed + jumped,
    monotonic: () => passed,
    after(ms, then) {
      const timer = { at: passed + ms, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const end = passed + ms;
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        passed = Math.max(passed, due.at);
        due.then();
        await setImmediate();
      }
      passed = end;
      await setImmediate();
    },
    jump(ms) {
      jumped += ms;
    },
  };
}
