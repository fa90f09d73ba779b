/** Takes a passkey from a person, and ends the sessions that were perhaps made with it. The password stays a way in. */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import { endOtherSessions } from './end-sessions.ts';
import { deletePasskey } from './passkey.store.ts';
import { prove } from './prove.ts';
import type { PasskeyDeps } from './use-passkey.ts';

/** Rejects as {@link prove} does, and with `not_found` when the caller has no such passkey. */
export async function removePasskey(
  deps: PasskeyDeps,
  caller: Caller,
  { passkey: passkeyId, proof }: { readonly passkey: string; readonly proof: Proof },
): Promise<void> {
  // A stolen session must not take its owner's strongest way in.
  await prove(deps, caller, proof, 'session');
  await write(deps.db, async (trx) => {
    const removed = await deletePasskey(trx, passkeyId, caller.person.id);
    if (removed === undefined) throw fault('not_found', { what: 'passkey', id: passkeyId });
    await endOtherSessions(trx, deps, caller);
    const details = { name: removed.name, key: removed.public_key };
    const entry = { event: 'passkey.removed', at: deps.clock.now(), who: whoOf(caller), details } as const;
    await appendEntry(trx, entry);
  });
}
