/** Queries on sessions of signed-in people. The secret is known by its SHA-256 only. */
import type { Strength } from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Db, Trx } from '../storage/database.ts';

export interface FoundSession {
  readonly id: string;
  readonly kind: 'dashboard' | 'cli';
  readonly strength: Strength;
  readonly last_used_at: number;
  readonly expires_at: number;
  readonly person_id: string;
  readonly person_name: string;
  readonly role: Role;
}

/** The session with this secret, with its person, unless the person was removed. */
export function sessionBySecret(db: Db | Trx, secretHash: string): Promise<FoundSession | undefined> {
  return db
    .selectFrom('session')
    .innerJoin('person', 'person.id', 'session.person_id')
    .select(['session.id', 'session.kind', 'session.strength', 'session.last_used_at', 'session.expires_at'])
    .select(['person.id as person_id', 'person.name as person_name', 'person.role'])
    .where('session.secret_hash', '=', secretHash)
    .where('person.removed_at', 'is', null)
    .executeTakeFirst();
}

export async function insertSession(
  trx: Trx,
  session: {
    id: string;
    personId: string;
    secretHash: string;
    kind: 'dashboard' | 'cli';
    strength: Strength;
    ip: string | null;
    userAgent: string | null;
    at: number;
    expiresAt: number;
  },
): Promise<void> {
  await trx
    .insertInto('session')
    .values({
      id: session.id,
      person_id: session.personId,
      secret_hash: session.secretHash,
      kind: session.kind,
      strength: session.strength,
      ip: session.ip,
      user_agent: session.userAgent,
      created_at: session.at,
      last_used_at: session.at,
      expires_at: session.expiresAt,
    })
    .execute();
}

export async function touchSession(trx: Trx, id: string, at: number): Promise<void> {
  await trx.updateTable('session').set({ last_used_at: at }).where('id', '=', id).execute();
}

/** When a session began, milliseconds since 1970; undefined when it is over. */
export async function sessionBegan(db: Db | Trx, id: string): Promise<number | undefined> {
  return (await db.selectFrom('session').select('created_at').where('id', '=', id).executeTakeFirst())?.created_at;
}

/** Ends one session. */
export async function deleteSession(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('session').where('id', '=', id).execute();
}

/** Ends all sessions of a person, but for one where it is named. Returns the ids of those that ended. */
export async function deleteSessionsOf(trx: Trx, personId: string, except?: string): Promise<string[]> {
  let query = trx.deleteFrom('session').where('person_id', '=', personId);
  if (except !== undefined) query = query.where('id', '<>', except);
  return (await query.returning('id').execute()).map(({ id }) => id);
}

/** Forgets sessions that ended by themselves. */
export async function deleteExpiredSessions(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('session').where('expires_at', '<=', now).execute();
}
