/** Lets something happen only so often per key, so that a stranger can fill neither the log nor a chat. Counts live in memory. */
import type { Clock } from '@countersign/protocol';

const KEYS_MAX = 5_000;

/** Whether it may happen now: at most `times` in `windowMs` milliseconds per key. Asking counts. */
export function seldom(
  clock: Pick<Clock, 'monotonic'>,
  { times, windowMs }: { readonly times: number; readonly windowMs: number },
): (key: string) => boolean {
  const seen = new Map<string, number[]>();
  return (key) => {
    const now = clock.monotonic();
    const recent = (seen.get(key) ?? []).filter((at) => now - at < windowMs);
    if (recent.length >= times) return false;
    seen.delete(key);
    seen.set(key, [...recent, now]);
    for (const oldest of seen.keys()) {
      if (seen.size <= KEYS_MAX) break;
      seen.delete(oldest);
    }
    return true;
  };
}
