/** Queries on passkeys, and on the challenges that browsers are to sign. */
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { PasskeyTable, WebauthnChallengeTable } from '../storage/trust-tables.ts';

export type Passkey = Selectable<PasskeyTable>;
export type ChallengePurpose = WebauthnChallengeTable['purpose'];

/** What a browser has to know of a passkey to find it. */
export function credentialOf({ credential_id, transports_json }: Passkey) {
  return { credentialId: credential_id, transports: JSON.parse(transports_json) as string[] };
}

/** The public keys of a person's passkeys, as a lock names them (`passkey:…`). */
export async function keysOf(db: Db | Trx, personId: string): Promise<string[]> {
  return (await passkeysOf(db, personId)).map(({ public_key }) => public_key);
}

/** The passkeys of a person, oldest first. */
export function passkeysOf(db: Db | Trx, personId: string): Promise<Passkey[]> {
  return db
    .selectFrom('passkey')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** The passkey with this credential id, unless its person was removed. */
export function passkeyByCredential(db: Db | Trx, credentialId: string): Promise<Passkey | undefined> {
  return db
    .selectFrom('passkey')
    .innerJoin('person', 'person.id', 'passkey.person_id')
    .selectAll('passkey')
    .where('credential_id', '=', credentialId)
    .where('person.removed_at', 'is', null)
    .executeTakeFirst();
}

export async function insertPasskey(trx: Trx, passkey: Passkey): Promise<void> {
  await trx.insertInto('passkey').values(passkey).execute();
}

/** Notes a use. False when the counter is not what it was when the answer was checked: somebody else came first. */
export async function notePasskeyUse(
  trx: Trx,
  { id, counter }: Pick<Passkey, 'id' | 'counter'>,
  next: { counter: number; at: number },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('passkey')
    .set({ counter: next.counter, last_used_at: next.at })
    .where('id', '=', id)
    .where('counter', '=', counter)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Takes a passkey from a person. Undefined when the person has no such passkey. */
export function deletePasskey(
  trx: Trx,
  id: string,
  personId: string,
): Promise<Pick<Passkey, 'name' | 'public_key'> | undefined> {
  return trx
    .deleteFrom('passkey')
    .where('id', '=', id)
    .where('person_id', '=', personId)
    .returning(['name', 'public_key'])
    .executeTakeFirst();
}

export async function deletePasskeysOf(trx: Trx, personId: string): Promise<void> {
  await trx.deleteFrom('passkey').where('person_id', '=', personId).execute();
}

/** Keeps a challenge, and forgets those that are over. */
export async function insertChallenge(trx: Trx, challenge: WebauthnChallengeTable, now: number): Promise<void> {
  await trx.deleteFrom('webauthn_challenge').where('expires_at', '<=', now).execute();
  await trx.insertInto('webauthn_challenge').values(challenge).execute();
}

/** Uses a challenge up: one statement, so that of two answers to it one is refused. False when it is not there, or for another. */
export async function takeChallenge(
  trx: Trx,
  { challenge, purpose, session_id }: Omit<WebauthnChallengeTable, 'expires_at'>,
  now: number,
): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('webauthn_challenge')
    .where('challenge', '=', challenge)
    .where('purpose', '=', purpose)
    .where('session_id', session_id === null ? 'is' : '=', session_id)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}
