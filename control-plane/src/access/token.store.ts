/** Queries on the tokens of assistants. The secret is known by its SHA-256 only. */
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { TokenTable } from '../storage/tables.ts';

export type Token = Selectable<TokenTable>;
export type FoundToken = Pick<Token, 'id' | 'name' | 'scope' | 'last_used_at' | 'last_client' | 'expires_at'> & {
  readonly person_id: string;
  readonly person_name: string;
  readonly role: Role;
};

/** The token with this secret, with its person, unless it was revoked or the person removed. Expiry is for the caller to check. */
export async function tokenBySecret(db: Db | Trx, secretHash: string): Promise<FoundToken | undefined> {
  const { rows } = await bySecret(db, { secretHash });
  return rows[0];
}

const bySecret = prepared<{ readonly secretHash: string }, FoundToken>((db, slot) =>
  db
    .selectFrom('token')
    .innerJoin('person', 'person.id', 'token.person_id')
    .select(['token.id', 'token.name', 'token.scope', 'token.last_used_at', 'token.last_client', 'token.expires_at'])
    .select(['person.id as person_id', 'person.name as person_name', 'person.role'])
    .where('token.secret_hash', '=', slot('secretHash'))
    .where('token.revoked_at', 'is', null)
    .where('person.removed_at', 'is', null),
);

/** Tokens that were not revoked, newest first: of one person, or of everybody. */
export function liveTokens(db: Db | Trx, personId: string | null): Promise<Token[]> {
  let query = db.selectFrom('token').selectAll().where('revoked_at', 'is', null);
  if (personId !== null) query = query.where('person_id', '=', personId);
  return query.orderBy('created_at', 'desc').orderBy('id').execute();
}

export async function insertToken(
  trx: Trx,
  token: Pick<Token, 'id' | 'person_id' | 'name' | 'scope' | 'secret_hash' | 'created_at' | 'expires_at'>,
): Promise<void> {
  await trx
    .insertInto('token')
    .values({ ...token, last_used_at: null, last_client: null, revoked_at: null })
    .execute();
}

/** Notes that a token was used, and by which client program where that is known. */
export async function touchToken(trx: Trx, id: string, at: number, client: string | null): Promise<void> {
  await trx
    .updateTable('token')
    .set(client === null ? { last_used_at: at } : { last_used_at: at, last_client: client })
    .where('id', '=', id)
    .execute();
}

/** Ends a token. False when there is no such live token (of this person, where one is named). */
export async function revokeTokenRow(
  trx: Trx,
  id: string,
  at: number,
  personId: string | null,
): Promise<Pick<Token, 'name' | 'person_id'> | undefined> {
  let query = trx.updateTable('token').set({ revoked_at: at }).where('id', '=', id).where('revoked_at', 'is', null);
  if (personId !== null) query = query.where('person_id', '=', personId);
  return query.returning(['name', 'person_id']).executeTakeFirst();
}

/** Ends all tokens of a person. Returns how many. */
export async function revokeTokensOf(trx: Trx, personId: string, at: number): Promise<number> {
  const { numUpdatedRows } = await trx
    .updateTable('token')
    .set({ revoked_at: at })
    .where('person_id', '=', personId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}
