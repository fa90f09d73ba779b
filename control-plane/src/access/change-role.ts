/** Changes what a person may do, at once: sessions and tokens ask for the role with each call. */
import { fault } from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import type { AccessCore } from './access.ts';
import { countOwners, personById, updatePerson } from './person.store.ts';

/**
 * In the caller's transaction. Rejects with `not_found`, or `forbidden` for the last owner who can sign in: nobody could give the
 * role back.
 */
export async function changeRole(
  trx: Trx,
  { clock, accessEnded }: Pick<AccessCore, 'clock' | 'accessEnded'>,
  caller: Caller,
  { person: personId, role }: { person: string; role: Role },
): Promise<void> {
  const person = await personById(trx, personId);
  if (person === undefined) throw fault('not_found', { what: 'person', id: personId });
  if (person.role === role) return;
  const ownerWhoSignsIn = person.role === 'owner' && person.password_hash !== null;
  if (ownerWhoSignsIn && (await countOwners(trx)) === 1)
    throw fault('forbidden', { what: 'Taking the role from the last owner' });
  await updatePerson(trx, personId, { role });
  await appendEntry(trx, {
    event: 'person.role_changed',
    at: clock.now(),
    who: whoOf(caller),
    details: { person: personId, name: person.name, from: person.role, to: role },
  });
  // What is open was opened under the other role: pages connect again by themselves.
  afterCommit(trx, () => accessEnded({ personId }));
}
