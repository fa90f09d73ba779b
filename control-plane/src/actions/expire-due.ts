/** Ends what nobody decided in time, and what could not start in time. */
import { Fault, isoTime } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import { actionById, expiredIds } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';

export async function expireDue(deps: Pick<ActionDeps, 'db' | 'clock' | 'live' | 'followers'>): Promise<void> {
  const now = deps.clock.now();
  for (const actionId of await expiredIds(deps.db, now)) {
    try {
      await write(deps.db, 'actions.expire', async (trx) => {
        const row = await actionById(trx, actionId);
        const waits = row?.state === 'awaiting_approval';
        const until = isoTime((waits ? row.decide_by : row?.start_by) ?? now);
        await applyTransition(deps, trx, {
          actionId,
          event: 'expire',
          cause: 'clock',
          who: whoIs('clock'),
          at: now,
          note: waits ? `Nobody decided before ${until}.` : `It could not start before ${until}.`,
          set: { finished_at: now },
        });
      });
    } catch (error) {
      // Decided or sent in the very moment between the look and the write.
      if (!(error instanceof Fault && error.code === 'action_not_open')) throw error;
    }
  }
}
