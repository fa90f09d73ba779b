/** Takes a passkey from a person, and ends the sessions that were perhaps made with it. The password stays a way in. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { endOtherSessions } from './end-sessions.ts';
import { deletePasskey } from './passkey.store.ts';

/** Rejects with `not_found` when the caller has no such passkey. */
export function removePasskey(deps: AccessCore & Pick<Core, 'live'>, caller: Caller, passkeyId: string): Promise<void> {
  return write(deps.db, async (trx) => {
    const removed = await deletePasskey(trx, passkeyId, caller.person.id);
    if (removed === undefined) throw fault('not_found', { what: 'passkey', id: passkeyId });
    await endOtherSessions(trx, deps, caller);
    const details = { name: removed.name, key: removed.public_key };
    const entry = { event: 'passkey.removed', at: deps.clock.now(), who: whoOf(caller), details } as const;
    const seq = await appendEntry(trx, entry);
    afterCommit(trx, () => deps.live.publish({ type: 'audit', seq }));
  });
}
