/** Queries on actions whose state had drifted, and on those that ask again. */
import type { Db, Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { standingOf } from './action.store.ts';
import { driftedFault } from './drift.ts';

/** Actions refused since a time for a state that had drifted, of which nobody asked again nor gave up. */
export async function driftedIds(db: Db, since: number): Promise<string[]> {
  const rows = await db
    .selectFrom('action')
    .select('id')
    .where('state', '=', 'refused')
    .where('finished_at', '>=', since)
    .where('fault_json', 'like', `${driftedFault}%`)
    .where('not_followed', 'is', null)
    .where((q) =>
      q.not(
        q.exists(
          q
            .selectFrom('action as follower')
            .select('follower.id')
            .whereRef('follower.follows_action', '=', 'action.id'),
        ),
      ),
    )
    .execute();
  return rows.map(({ id }) => id);
}

/** The action that asks again for another one. */
export async function followerOf(db: Db | Trx, actionId: string): Promise<string | undefined> {
  return (await db.selectFrom('action').select('id').where('follows_action', '=', actionId).executeTakeFirst())?.id;
}

/** The newest action that its requester asked for after another one, as the same request; also when it has ended. */
export async function askedAfter(trx: Trx, requestKey: string, actionId: string): Promise<ActionTable | undefined> {
  return trx
    .selectFrom('action')
    .selectAll()
    .where('request_key', '=', requestKey)
    .where('id', '!=', actionId)
    .where('created_at', '>=', (q) =>
      q.selectFrom('action as before').select('before.created_at').where('before.id', '=', actionId),
    )
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Whether who asked for an action could not ask now: the person was removed, or the token revoked or has expired. */
export async function requesterLeft(
  db: Db,
  by: Pick<ActionTable, 'requested_by_person' | 'requested_by_token'>,
  now: number,
): Promise<boolean> {
  if ((await standingOf(db, by.requested_by_person))?.removed !== false) return true;
  if (by.requested_by_token === null) return false;
  const token = await db
    .selectFrom('token')
    .select(['revoked_at', 'expires_at'])
    .where('id', '=', by.requested_by_token)
    .executeTakeFirst();
  return !token || token.revoked_at !== null || (token.expires_at !== null && token.expires_at <= now);
}
