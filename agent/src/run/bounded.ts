/** Work with an end: it is told to stop when its time is up or nobody wants it any more. */
import type { Clock } from '@countersign/protocol';

/** Why a signal was aborted, when it was not somebody's wish. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp';
  readonly ms: number;

  constructor(ms: number) {
    super(`not done within ${ms} ms`);
    this.ms = ms;
  }
}

/**
 * Runs `work` with a signal that is aborted after `ms` (reason {@link TimeIsUp}) or with `outer`. With `patience`, the call
 * rejects with the signal's reason when the work has not ended that many ms after the abort; the work is then on its own.
 */
export async function bounded<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal,
  patience: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const abandoned = Promise.withResolvers<never>();
  const abort = (reason: unknown) => {
    if (own.signal.aborted) return;
    own.abort(reason);
    cancels.push(clock.after(patience, () => abandoned.reject(reason)));
  };
  const onOuter = () => abort(outer.reason);
  const cancels = [clock.after(ms, () => abort(new TimeIsUp(ms)))];
  outer.addEventListener('abort', onOuter);
  try {
    if (outer.aborted) onOuter();
    return await Promise.race([work(own.signal), abandoned.promise]);
  } finally {
    outer.removeEventListener('abort', onOuter);
    for (const cancel of cancels) cancel();
  }
}
