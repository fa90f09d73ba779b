/** Pauses all changes on all servers: nothing that is approved leaves any more until an owner resumes. Reading goes on. */
import { Fault, isoTime } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { safeText } from '../audit/entry.ts';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { channelOf } from '../audit/who.ts';
import type { Caller } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { actionsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { type Pause, pauseNow, savePause } from './pause.store.ts';
import { requestStop } from './request-stop.ts';
import { tellOfPause } from './tell-of-pause.ts';

export type PauseDeps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'log' | 'followers' | 'fleet'>;

/**
 * Keeps the pause; one that is there already stays as it is. With `stopRunning`, what runs is asked to stop as well.
 * Returns the pause and how many actions were asked to stop.
 */
export async function pauseDispatch(
  deps: PauseDeps,
  caller: Caller,
  { reason, stopRunning }: { readonly reason?: string | undefined; readonly stopRunning: boolean },
): Promise<{ readonly pause: Pause; readonly stopping: number }> {
  const pause = await write(deps.db, 'actions.pause', async (trx) => {
    const present = await pauseNow(trx);
    if (present) return present;
    const { id, name } = caller.person;
    const at = deps.clock.now();
    const words = reason === undefined ? null : safeText(reason, 500);
    const made: Pause = { since: at, by: { id, name }, channel: channelOf(caller), reason: words };
    await savePause(trx, made);
    const details = { channel: made.channel, reason: words, stop_running: stopRunning };
    await appendEntry(trx, { event: 'dispatch.paused', at, who: whoOf(caller), details });
    await addToTimeline(trx, { at, kind: 'note', title: 'All changes were paused', by: name });
    await tellOfPause(deps, trx);
    return made;
  });
  return { pause, stopping: stopRunning ? await stopAll(deps, caller) : 0 };
}

async function stopAll(deps: PauseDeps, caller: Caller): Promise<number> {
  let stopping = 0;
  for (const { id } of await actionsIn(deps.db, ['dispatched', 'running'])) {
    try {
      await requestStop(deps, caller, id);
      stopping += 1;
    } catch (error) {
      // It ended in the very moment between the look and the request.
      if (!(error instanceof Fault && error.code === 'nothing_to_stop')) throw error;
    }
  }
  return stopping;
}

/** As the operator API shows it. */
export function pauseView({ since, by, channel, reason }: Pause): OutputOf<'pauseDispatch'>['pause'] {
  return { since: isoTime(since), by, channel, reason };
}
