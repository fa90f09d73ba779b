/** Looks again every few seconds for what is not shown as it should be, so that nothing that was missed stays so. */
import type { Cancel, Clock } from '@countersign/protocol';
import type { Log } from '../../ports.ts';

export interface Sweep extends AsyncDisposable {
  /** Sweeps as soon as the present one is over, instead of when its time comes. */
  soon(): void;
}

/** Short enough that everything is right within a minute after an outage. */
const EVERY_MS = 15_000;

/** Calls `work` now and then every 15 s, never twice at once. */
export function sweepOnClock(clock: Clock, log: Log, work: () => Promise<void>): Sweep {
  let cancel: Cancel = () => undefined;
  let atWork: Promise<void> | null = null;
  let wanted = false;
  let stopped = false;
  const sweep = () => {
    cancel();
    if (stopped) return;
    if (atWork) {
      wanted = true;
      return;
    }
    wanted = false;
    atWork = work()
      .catch((error: unknown) => log.error('telegram.sweep_failed', { error }))
      .finally(() => {
        atWork = null;
        if (wanted) sweep();
        else if (!stopped) cancel = clock.after(EVERY_MS, sweep);
      });
  };
  sweep();
  return {
    soon: sweep,
    async [Symbol.asyncDispose]() {
      stopped = true;
      cancel();
      await atWork;
    },
  };
}
