/** Repeats work on the clock. */
import type { Cancel } from '@countersign/protocol';
import type { Core } from './ports.ts';

/**
 * Runs `work` again and again, each time `everyMs` after it ended. A failure is logged as `failed` and does not end it. The
 * returned function stops it and waits for its end.
 */
export function loop(
  { clock, log }: Pick<Core, 'clock' | 'log'>,
  { everyMs, failed }: { readonly everyMs: number; readonly failed: string },
  work: () => Promise<void>,
): () => Promise<void> {
  let stopped = false;
  let cancel: Cancel = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  const again = () => {
    cancel = clock.after(everyMs, () => {
      underWay = work()
        .catch((error: unknown) => log.error(failed, { error }))
        .finally(() => {
          if (!stopped) again();
        });
    });
  };
  again();
  return async () => {
    stopped = true;
    cancel();
    await underWay;
  };
}
