/** Time, injected: only this file touches the machine's clock and timers, so that everything else can be simulated. */

/** Cancels a timer. Calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01 UTC. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start. Never goes back: use it for durations. */
  monotonic(): number;
  /** Calls `then` once, after at least `ms` milliseconds. Does not keep the process alive by itself. */
  after(ms: number, then: () => void): Cancel;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    timer.unref?.();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` on the given clock; rejects with the signal's reason when it is aborted first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Milliseconds since 1970 as ISO 8601 in UTC, the form every outside interface uses. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
