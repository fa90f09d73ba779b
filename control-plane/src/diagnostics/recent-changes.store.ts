/** Actions that began on a server lately. */
import type { Db } from '../storage/database.ts';
import type { Change } from './joined.ts';

const MOST = 50;

/** The last actions that began after `since` (milliseconds since 1970), newest first. Those that never began changed nothing. */
export async function recentChanges(db: Db, serverId: string, since: number): Promise<Change[]> {
  const rows = await db
    .selectFrom('action')
    .select(['id', 'title', 'state', 'resource', 'started_at'])
    .where('server_id', '=', serverId)
    .where('started_at', '>=', since)
    .orderBy('started_at', 'desc')
    .limit(MOST)
    .execute();
  return rows.map(({ id, title, state, resource, started_at }) => ({
    ...{ action: id, title, state, at: started_at ?? since },
    things: resource.split('\n'),
  }));
}
