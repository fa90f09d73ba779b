/** Queries on secrets that work once. The secret is known by its SHA-256 only. */
import type { Db, Trx } from '../storage/database.ts';
import type { OneUseSecretTable } from '../storage/tables.ts';

export type Purpose = OneUseSecretTable['purpose'];

export async function insertOneUseSecret(trx: Trx, secret: Omit<OneUseSecretTable, 'used_at'>): Promise<void> {
  await trx
    .insertInto('one_use_secret')
    .values({ ...secret, used_at: null })
    .execute();
}

/** Marks a secret as used, if it is unused and not expired: one statement, so that of two racers one wins. */
export async function markUsed(
  trx: Trx,
  secretHash: string,
  purpose: Purpose,
  now: number,
): Promise<{ subject_id: string | null } | undefined> {
  return trx
    .updateTable('one_use_secret')
    .set({ used_at: now })
    .where('secret_hash', '=', secretHash)
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('subject_id')
    .executeTakeFirst();
}

/** The unused, unexpired secret with this hash. */
export function usableSecret(
  db: Db | Trx,
  secretHash: string,
  purpose: Purpose,
  now: number,
): Promise<{ subject_id: string | null; expires_at: number } | undefined> {
  return db
    .selectFrom('one_use_secret')
    .select(['subject_id', 'expires_at'])
    .where('secret_hash', '=', secretHash)
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

/** Withdraws what was given out for a purpose (and a subject) and not used. */
export async function deleteUnused(trx: Trx, purpose: Purpose, subjectId: string | null): Promise<void> {
  await trx
    .deleteFrom('one_use_secret')
    .where('purpose', '=', purpose)
    .where('subject_id', subjectId === null ? 'is' : '=', subjectId)
    .where('used_at', 'is', null)
    .execute();
}

/** Forgets secrets that expired before a time. */
export async function deleteExpiredSecrets(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('one_use_secret').where('expires_at', '<', before).execute();
}
