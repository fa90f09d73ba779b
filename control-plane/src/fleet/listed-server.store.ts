/** The list of servers in one query. */
import { sql } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { ServerRow } from './server.store.ts';

/** A server with how many alerts fire on it. */
export type ListedServer = ServerRow & { readonly firing: number };

/** The servers under care as pages show them, whole and in one query: assistants ask for nothing as often. */
export async function listedServers(
  db: Db | Trx,
  { after, limit }: { readonly after?: Pick<ServerRow, 'id' | 'name'> | undefined; readonly limit: number },
): Promise<ListedServer[]> {
  const { rows } = await (after === undefined ? firstListed(db, { limit }) : nextListed(db, { ...after, limit }));
  return rows;
}

const firstListed = prepared<{ readonly limit: number }, ListedServer>((db, slot) => listed(db).limit(slot('limit')));

const nextListed = prepared<{ readonly id: string; readonly name: string; readonly limit: number }, ListedServer>(
  (db, slot) =>
    listed(db)
      .where((q) => q(q.refTuple('server.name', 'server.id'), '>', q.tuple(slot('name'), slot('id'))))
      .limit(slot('limit')),
);

const listed = (db: Db | Trx) =>
  db
    .selectFrom('server')
    .selectAll()
    .select((server) =>
      server
        .selectFrom('alert')
        .select((of) => of.fn.countAll<number>().as('count'))
        .whereRef('alert.server_id', '=', 'server.id')
        .where('alert.state', '=', sql.lit('firing'))
        .$asScalar()
        .$notNull()
        .as('firing'),
    )
    .where('server.state', '<>', sql.lit<ServerRow['state']>('revoked'))
    .orderBy('server.name')
    .orderBy('server.id');
