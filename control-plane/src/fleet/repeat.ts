/** Work that is done again and again on the injected clock. */
import type { Cancel, Clock } from '@countersign/protocol';

/** Calls `work` every `ms` milliseconds, never twice at once, until cancelled. `work` deals with its own errors. */
export function repeat(clock: Clock, ms: number, work: () => Promise<void> | void): Cancel {
  let cancelTimer: Cancel | undefined;
  let stopped = false;
  const turn = async () => {
    await work();
    if (!stopped) cancelTimer = clock.after(ms, () => void turn());
  };
  cancelTimer = clock.after(ms, () => void turn());
  return () => {
    stopped = true;
    cancelTimer?.();
  };
}
