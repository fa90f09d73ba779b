/** Ends the session of the caller. */
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { deleteSession } from './session.store.ts';

export function signOut(deps: AccessCore, caller: Caller): Promise<void> {
  return write(deps.db, 'access.sign_out', async (trx) => {
    const sessionId = caller.session?.id;
    if (sessionId === undefined) return;
    await deleteSession(trx, sessionId);
    await appendEntry(trx, { event: 'person.signed_out', at: deps.clock.now(), who: whoOf(caller) });
    afterCommit(trx, () => deps.accessEnded({ sessionId }));
  });
}
