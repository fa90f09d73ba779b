/** Ends the pause: what is approved and still in its time may go. */
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Prove } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import type { ActionDeps } from './action-deps.ts';
import { deletePause, pauseNow } from './pause.store.ts';
import { tellOfPause } from './tell-of-pause.ts';

type Deps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'followers'> & { readonly prove: Prove };

/** Asks for a fresh proof first: a stolen session must not undo what somebody stopped. Rejects with what `prove` says. */
export async function resumeDispatch(deps: Deps, caller: Caller, proof: Proof): Promise<void> {
  const strength = await deps.prove(caller, proof, 'best');
  await write(deps.db, 'actions.resume', async (trx) => {
    const pause = await pauseNow(trx);
    if (!pause) return;
    await deletePause(trx);
    const at = deps.clock.now();
    const details = { paused_by: pause.by.name, paused_at: pause.since, strength };
    await appendEntry(trx, { event: 'dispatch.resumed', at, who: whoOf(caller), details });
    await addToTimeline(trx, { at, kind: 'note', title: 'Changes go on', by: caller.person.name });
    await tellOfPause(deps, trx);
  });
}
