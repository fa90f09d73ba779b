/** A clock that moves when told to. */
import type { Clock } from '@countersign/protocol';

export interface ManualClock extends Clock {
  /** Moves time on; timers that come due are called in order, and what they started gets a turn. */
  pass(ms: number): Promise<void>;
  /** The wall clock jumps; timers stay where they are. */
  jump(ms: number): void;
  /** How many timers wait. */
  waiting(): number;
}

export function manualClock(start = Date.UTC(2026, 10, 20, 2, 13)): ManualClock {
  let now = start;
  let jumped = 0;
  const timers = new Set<{ at: number; then: () => void }>();
  return {
    now: () => now + jumped,
    monotonic: () => now,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.then();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
      await new Promise((resolve) => setImmediate(resolve));
    },
    jump(ms) {
      jumped += ms;
    },
    waiting: () => timers.size,
  };
}
