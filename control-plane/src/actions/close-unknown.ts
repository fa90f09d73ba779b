/** A human looked at the server and closes an action whose outcome nobody will tell any more. */
import type { ActionState } from '@countersign/protocol';
import { safeText } from '../audit/entry.ts';
import { whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';

/** Rejects with `action_not_found`, or `action_not_open` when its outcome is not unknown. */
export function closeUnknown(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'live' | 'followers'>,
  caller: Caller,
  { actionId, reason }: { readonly actionId: string; readonly reason: string },
): Promise<ActionState> {
  const at = deps.clock.now();
  return write(deps.db, (trx) =>
    applyTransition(deps, trx, {
      actionId,
      event: 'close',
      cause: 'person',
      who: whoOf(caller),
      at,
      note: safeText(reason, 500),
      set: { finished_at: at },
    }),
  );
}
