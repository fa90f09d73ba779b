/** Waiting for something to become true, with a bound. */
import { setTimeout as pause } from 'node:timers/promises';

/** A look costs a request or a process on both sides: who has waited for long looks less often, but five times a second still. */
const [FIRST_MS, GROWTH, LONGEST_MS] = [25, 1.25, 200];

/** How long to wait before the next look after having waited so long before the last one; before the second look unless told. */
export function pauseAfter(ms = FIRST_MS / GROWTH): number {
  return Math.min(ms * GROWTH, LONGEST_MS);
}

/**
 * Resolves with the first value of `look` that is neither undefined nor false. Rejects after the bound, saying what was
 * waited for and what was seen last. Errors of `look` count as "not yet" and are told at the end.
 * `everyMs`: between looks; {@link pauseAfter} unless told.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 60_000, everyMs }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  for (let paused = everyMs ?? pauseAfter(); ; paused = everyMs ?? pauseAfter(paused)) {
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
    await pause(paused);
  }
}
