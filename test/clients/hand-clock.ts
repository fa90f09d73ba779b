/** A clock that stands still until a test moves it. */
import type { Clock } from '@countersign/protocol';

export interface HandClock extends Clock {
  /** Moves time on and rings what is due, in order. */
  readonly advance: (ms: number) => void;
}

export function handClock(start = Date.parse('2026-11-20T02:13:00Z')): HandClock {
  let elapsed = 0;
  const timers = new Set<{ at: number; then: () => void }>();
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after: (ms, then) => {
      const timer = { at: elapsed + ms, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (ms) => {
      const end = elapsed + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        timers.delete(next);
        elapsed = next.at;
        next.then();
      }
      elapsed = end;
    },
  };
}
