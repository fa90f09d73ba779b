/** Waiting for something to become true, with a bound. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves with the first value of `look` that is neither undefined nor false. Rejects after the bound, saying what was
 * waited for and what was seen last. Errors of `look` count as "not yet" and are told at the end.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 30_000, everyMs = 50 } = {},
): Promise<T> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until)
      throw new Error(
        `waited ${timeoutMs} ms for ${what}; last: ${last instanceof Error ? last.message : String(last)}`,
        { cause: last },
      );
    await pause(everyMs);
  }
}
