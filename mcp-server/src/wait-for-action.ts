/** Waiting for a decision and a result, in slices, so that the client hears from us and can give up at any time. */
import { delay } from '@countersign/protocol';
import { type ActionWithOutput, isSettled } from './action-view.ts';
import type { OpenPrompt } from './prompt.ts';
import type { ToolContext } from './tool.ts';

/** Seconds of one long poll: also how often the client hears that we are alive. */
const SLICE_S = 5;
/** When a poll returns at once without news, the next one waits this long, milliseconds. */
const PAUSE_MS = 500;

/**
 * Waits until the action is settled (nothing more happens to it, or its outcome is unknown) or `waitS` seconds are over,
 * and returns its newest state. Rejects when the client gives up; the action goes on as it is.
 */
export async function waitForAction(
  context: ToolContext,
  first: ActionWithOutput,
  waitS: number,
  prompt: OpenPrompt | null,
): Promise<ActionWithOutput> {
  const { clock, signal } = context;
  const start = clock.monotonic();
  const elapsed = () => (clock.monotonic() - start) / 1000;
  let newest = first;
  try {
    while (!isSettled(newest.state) && elapsed() < waitS) {
      signal.throwIfAborted();
      const sliceStart = clock.monotonic();
      const wait_s = Math.min(SLICE_S, Math.max(1, Math.ceil(waitS - elapsed())));
      const next = await context.call('getAction', { action: first.id, wait_s }, { signal });
      if (next.state === newest.state && clock.monotonic() - sliceStart < PAUSE_MS)
        await delay(clock, PAUSE_MS, signal);
      newest = next;
      await context.progress(Math.min(elapsed(), waitS), waitS, `${newest.state}: ${newest.status}`);
    }
    return newest;
  } finally {
    prompt?.close();
  }
}
