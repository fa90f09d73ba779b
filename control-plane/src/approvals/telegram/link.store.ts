/** Queries on the Telegram accounts of people. A Telegram id is kept as text: it has more than 32 bits. */
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../storage/database.ts';
import type { TelegramLinkTable } from '../../storage/tables.ts';

export type LinkRow = Selectable<TelegramLinkTable>;

/** A person who works here, with the Telegram account that is linked. */
export interface LinkedPerson {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Also the id of the private chat with the bot. */
  readonly telegramId: string;
  readonly telegramName: string;
  /** Milliseconds since 1970. */
  readonly linkedAt: number;
}

/** The person whom this Telegram account is linked to, if it is linked and the person was not removed. */
export function linkedPerson(db: Db | Trx, telegramId: string): Promise<LinkedPerson | undefined> {
  return linkedPeople(db).where('telegram_link.telegram_id', '=', telegramId).executeTakeFirst();
}

/** The linked people with one of these roles. */
export async function linkedPeopleWith(db: Db | Trx, roles: readonly Role[]): Promise<LinkedPerson[]> {
  if (roles.length === 0) return [];
  return linkedPeople(db)
    .where('person.role', 'in', [...roles])
    .orderBy('person.id')
    .execute();
}

/** The link of a person, confirmed or not. */
export function linkOf(db: Db | Trx, personId: string): Promise<LinkRow | undefined> {
  return db.selectFrom('telegram_link').selectAll().where('person_id', '=', personId).executeTakeFirst();
}

/** The link of a Telegram account, confirmed or not. */
export function linkAt(db: Db | Trx, telegramId: string): Promise<LinkRow | undefined> {
  return db.selectFrom('telegram_link').selectAll().where('telegram_id', '=', telegramId).executeTakeFirst();
}

export async function insertLink(trx: Trx, row: LinkRow): Promise<void> {
  await trx.insertInto('telegram_link').values(row).execute();
}

/** Turns a link that waits for its confirmation into one that counts. */
export async function markLinked(trx: Trx, personId: string, at: number): Promise<void> {
  await trx.updateTable('telegram_link').set({ state: 'linked', at }).where('person_id', '=', personId).execute();
}

export async function deleteLink(trx: Trx, personId: string): Promise<void> {
  await trx.deleteFrom('telegram_link').where('person_id', '=', personId).execute();
}

/** When the newest pairing code of a person was made, if it can still be used. */
export function usableCode(db: Db | Trx, personId: string, now: number): Promise<{ created_at: number } | undefined> {
  return db
    .selectFrom('one_use_secret')
    .select('created_at')
    .where('purpose', '=', 'telegram_link')
    .where('subject_id', '=', personId)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

/** Name and address of a person who was not removed. */
export function nameOfPerson(db: Db | Trx, id: string): Promise<{ name: string; email: string } | undefined> {
  return db
    .selectFrom('person')
    .select(['name', 'email'])
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
}

function linkedPeople(db: Db | Trx) {
  return db
    .selectFrom('telegram_link')
    .innerJoin('person', 'person.id', 'telegram_link.person_id')
    .select([
      'person.id',
      'person.name',
      'person.role',
      'telegram_link.telegram_id as telegramId',
      'telegram_link.telegram_name as telegramName',
      'telegram_link.at as linkedAt',
    ])
    .where('telegram_link.state', '=', 'linked')
    .where('person.removed_at', 'is', null);
}
