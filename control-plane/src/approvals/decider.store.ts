/** Queries on those who may decide. */
import type { Role } from '@countersign/protocol/operator-api/index';
import type { Db } from '../storage/database.ts';

/** People with one of these roles who can sign in. */
export async function peopleWhoDecide(db: Db, roles: readonly Role[]) {
  if (roles.length === 0) return [];
  return db
    .selectFrom('person')
    .select(['id', 'name', 'role', 'totp_confirmed', 'ide_answers'])
    .where('role', 'in', [...roles])
    .where('removed_at', 'is', null)
    .where('password_hash', 'is not', null)
    .execute();
}
