/** Queries on people. E-mail addresses are kept in lower case, so that one person cannot have two accounts by accident. */
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { PersonTable } from '../storage/tables.ts';

export type Person = Selectable<PersonTable>;
/** A person with the Telegram account that is linked, if one is, and how many passkeys they have. */
export type PersonWithLinks = Person & { telegram_id: string | null; telegram_name: string | null; passkeys: number };

export const plainEmail = (email: string) => email.trim().toLowerCase();

/** The person with this address who was not removed. */
export function personByEmail(db: Db | Trx, email: string): Promise<PersonWithLinks | undefined> {
  return withLinks(db).where('person.email', '=', plainEmail(email)).executeTakeFirst();
}

/** The person with this id who was not removed. */
export function personById(db: Db | Trx, id: string): Promise<PersonWithLinks | undefined> {
  return withLinks(db).where('person.id', '=', id).executeTakeFirst();
}

/** Everybody who was not removed, those with an open invitation too, oldest first. */
export function allPeople(db: Db | Trx): Promise<PersonWithLinks[]> {
  return withLinks(db).orderBy('person.created_at').orderBy('person.id').execute();
}

/** How many owners can sign in. */
export async function countOwners(db: Db | Trx): Promise<number> {
  const { count } = await db
    .selectFrom('person')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('role', '=', 'owner')
    .where('password_hash', 'is not', null)
    .where('removed_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function insertPerson(
  trx: Trx,
  person: { id: string; email: string; name: string; role: Role; passwordHash: string | null; at: number },
): Promise<void> {
  await trx
    .insertInto('person')
    .values({
      id: person.id,
      email: plainEmail(person.email),
      name: person.name,
      role: person.role,
      password_hash: person.passwordHash,
      totp_sealed: null,
      totp_confirmed: 0,
      totp_last_step: 0,
      ide_answers: 0,
      created_at: person.at,
      removed_at: null,
    })
    .execute();
}

/** Changes members of a person. */
export async function updatePerson(
  trx: Trx,
  id: string,
  changes: Partial<
    Pick<
      Person,
      | 'name'
      | 'role'
      | 'password_hash'
      | 'totp_sealed'
      | 'totp_confirmed'
      | 'totp_last_step'
      | 'ide_answers'
      | 'removed_at'
    >
  >,
): Promise<void> {
  await trx.updateTable('person').set(changes).where('id', '=', id).execute();
}

/** Notes a time step as used. False when it, or a later one, was used already: then the code does not count (RFC 6238, section 5.2). */
export async function useTotpStep(trx: Trx, id: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('person')
    .set({ totp_last_step: step })
    .where('id', '=', id)
    .where('totp_last_step', '<', step)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Takes the Telegram account from a person. */
export async function deleteTelegramLink(trx: Trx, personId: string): Promise<void> {
  await trx.deleteFrom('telegram_link').where('person_id', '=', personId).execute();
}

function withLinks(db: Db | Trx) {
  return db
    .selectFrom('person')
    .leftJoin('telegram_link', (join) =>
      join.onRef('telegram_link.person_id', '=', 'person.id').on('telegram_link.state', '=', 'linked'),
    )
    .selectAll('person')
    .select(['telegram_link.telegram_id', 'telegram_link.telegram_name'])
    .select((all) =>
      all
        .selectFrom('passkey')
        .select((one) => one.fn.countAll<number>().as('count'))
        .whereRef('passkey.person_id', '=', 'person.id')
        .$asScalar()
        .$notNull()
        .as('passkeys'),
    )
    .where('person.removed_at', 'is', null);
}
