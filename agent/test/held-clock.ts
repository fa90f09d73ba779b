/** A clock of which one length of time is over when the test says so: what has to come before it has then come. */
import type { Clock } from '@countersign/protocol';

export interface HeldClock extends Clock {
  /** That time is over for all who wait for it now. */
  pass(): void;
}

/** Goes by `clock`, but for timers of `ofMs`, which fire at {@link HeldClock.pass} only. */
export function heldClock(clock: Clock, ofMs: number): HeldClock {
  const held = new Set<{ readonly then: () => void }>();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, then) => {
      if (ms !== ofMs) return clock.after(ms, then);
      const timer = { then };
      held.add(timer);
      return () => void held.delete(timer);
    },
    pass: () => {
      const due = [...held];
      held.clear();
      for (const { then } of due) then();
    },
  };
}
