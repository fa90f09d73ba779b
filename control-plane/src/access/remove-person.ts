/** Takes all access from a person: sessions, tokens, passkeys, open invitations, the Telegram account. What they did stays on record. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { deleteUnused } from './one-use.store.ts';
import { deletePasskeysOf } from './passkey.store.ts';
import { countOwners, deleteTelegramLink, personById, updatePerson } from './person.store.ts';
import { deleteSessionsOf } from './session.store.ts';
import { revokeTokensOf } from './token.store.ts';

/** Rejects with `not_found`, or `forbidden` for the last owner who can sign in: nobody could add anybody any more. */
export function removePerson(deps: AccessCore, caller: Caller, personId: string): Promise<void> {
  return write(deps.db, (trx) => removeFrom(trx, deps, caller, personId));
}

/** The same as {@link removePerson}, in the caller's transaction. */
export async function removeFrom(trx: Trx, deps: AccessCore, caller: Caller, personId: string): Promise<void> {
  const person = await personById(trx, personId);
  if (person === undefined) throw fault('not_found', { what: 'person', id: personId });
  const ownerWhoSignsIn = person.role === 'owner' && person.password_hash !== null;
  if (ownerWhoSignsIn && (await countOwners(trx)) === 1) throw fault('forbidden', { what: 'Removing the last owner' });
  const now = deps.clock.now();
  await updatePerson(trx, personId, { removed_at: now, password_hash: null, totp_sealed: null, totp_confirmed: 0 });
  await deleteSessionsOf(trx, personId);
  await revokeTokensOf(trx, personId, now);
  await deleteUnused(trx, 'invitation', personId);
  await deleteUnused(trx, 'telegram_link', personId);
  await deleteTelegramLink(trx, personId);
  await deletePasskeysOf(trx, personId);
  await appendEntry(trx, {
    event: 'person.removed',
    at: now,
    who: whoOf(caller),
    details: { name: person.name, email: person.email },
  });
  afterCommit(trx, () => deps.accessEnded({ personId }));
}
