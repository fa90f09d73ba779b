/** Invites a person: makes the account without a password and a one-use secret that lets its owner set one. */
import { fault } from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import type { Db, Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { makeOneUseSecret } from './one-use.ts';
import { insertPerson, personByEmail, updatePerson } from './person.store.ts';

export const INVITATION_PREFIX = 'csi_';
export const INVITATION_MS = 3 * 24 * 3_600_000;

/**
 * Makes or repeats an invitation: an open one for the same address is replaced. Rejects with `invalid_input` when the address
 * belongs to somebody who can sign in. `expiresAt` is milliseconds since 1970.
 */
export function invitePerson(deps: AccessCore, caller: Caller, invited: Invited): Promise<Invitation> {
  return write(deps.db, (trx) => inviteInto(trx, deps, caller, invited));
}

interface Invited {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}
interface Invitation {
  readonly personId: string;
  readonly secret: string;
  readonly expiresAt: number;
}

/** The same as {@link invitePerson}, in the caller's transaction. */
export async function inviteInto(
  trx: Trx,
  deps: AccessCore,
  caller: Caller,
  { email, name, role }: Invited,
): Promise<Invitation> {
  const now = deps.clock.now();
  await mustNotWorkHere(trx, email);
  const known = await personByEmail(trx, email);
  const id = known?.id ?? deps.ids.id('prs');
  if (known) await updatePerson(trx, id, { name, role });
  else await insertPerson(trx, { id, email, name, role, passwordHash: null, at: now });
  const made = await makeOneUseSecret(trx, deps, {
    purpose: 'invitation',
    subjectId: id,
    prefix: INVITATION_PREFIX,
    ttlMs: INVITATION_MS,
  });
  await appendEntry(trx, { event: 'person.invited', at: now, who: whoOf(caller), details: { email, name, role } });
  return { personId: id, ...made };
}

/** Rejects with `invalid_input` when the address belongs to somebody who can sign in. */
export async function mustNotWorkHere(db: Db | Trx, email: string): Promise<void> {
  if ((await personByEmail(db, email))?.password_hash)
    throw fault('invalid_input', { problems: `email: ${email} belongs to a person who works here already` });
}
