/** Ends the other sessions of a person whose ways to sign in changed: whoever else was in has to show that they still may. */
import type { Caller } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import type { AccessCore } from './access.ts';
import { deleteSessionsOf } from './session.store.ts';

/** Ends all sessions of the caller but this one, with what is open for them, in the caller's transaction. */
export async function endOtherSessions(
  trx: Trx,
  { accessEnded }: Pick<AccessCore, 'accessEnded'>,
  caller: Caller,
): Promise<void> {
  const ended = await deleteSessionsOf(trx, caller.person.id, caller.session?.id);
  afterCommit(trx, () => {
    for (const sessionId of ended) accessEnded({ sessionId });
  });
}
