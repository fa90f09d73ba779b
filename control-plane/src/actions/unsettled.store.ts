/** Whether anything is under way on a server. Asked by every server that comes back, so it is one small query. */
import type { ActionState } from '@countersign/protocol';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';

/** What a server that connects may have to be told of. */
const unsettled: readonly ActionState[] = ['approved', 'dispatched', 'running', 'unknown'];

const query = prepared<{ readonly serverId: string }, { readonly id: string }>((db, slot) =>
  db
    .selectFrom('action')
    .select('id')
    .where('state', 'in', unsettled)
    .where('server_id', '=', slot('serverId'))
    .limit(1),
);

export async function hasUnsettled(db: Db | Trx, serverId: string): Promise<boolean> {
  return (await query(db, { serverId })).rows.length > 0;
}
