/** An invited person sets a password, and is signed in. */
import { fault } from '@countersign/protocol';
import { appendEntry } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import type { AccessCore, Origin } from './access.ts';
import { useOneUseSecret } from './one-use.ts';
import { personById, updatePerson } from './person.store.ts';
import { type SignedIn, startSession } from './start-session.ts';

/** Rejects with `invitation_invalid` when the secret is wrong, used or expired, or the person was removed. */
export async function acceptInvitation(
  deps: AccessCore,
  { secret, password, kind }: { secret: string; password: string; kind: SignedIn['kind'] },
  from: Origin,
): Promise<SignedIn> {
  const passwordHash = await deps.passwords.hash(password);
  return write(deps.db, async (trx) => {
    const used = await useOneUseSecret(trx, deps, { purpose: 'invitation', secret });
    const person = used?.subjectId ? await personById(trx, used.subjectId) : undefined;
    if (person === undefined) throw fault('invitation_invalid');
    await updatePerson(trx, person.id, { password_hash: passwordHash });
    await appendEntry(trx, {
      event: 'person.joined',
      at: deps.clock.now(),
      who: { person: { id: person.id, name: person.name }, token: null, client: null, ip: from.ip, by: 'person' },
      details: { email: person.email, role: person.role },
    });
    return startSession(trx, deps, person, { kind, strength: 'session', from });
  });
}
