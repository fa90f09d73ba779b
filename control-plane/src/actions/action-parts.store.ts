/** Actions with what is told about them: their server, who asked, votes and history. */
import type { Db, Trx } from '../storage/database.ts';
import { preparedForOne } from '../storage/prepared.ts';
import type { ActionTable } from '../storage/tables.ts';
import { namedVotesOn } from './action.store.ts';
import type { ListedAction } from './action-list.store.ts';
import { pauseNow } from './pause.store.ts';
import { lockOf } from './server-lock.ts';

/** In the order of `rows`. */
export async function withParts<Row extends ListedAction>(db: Db | Trx, rows: readonly Row[]) {
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const votes = await namedVotesOn(db, ids);
  const history = await historyOf(db, ids);
  const servers = new Map((await serversOf(db, unique(rows.map((row) => row.server_id)))).map((it) => [it.id, it]));
  const names = await namesFor(db, rows);
  const nameOf = (id: string) => servers.get(id)?.name ?? names.get(id) ?? id;
  const lockIn = (id: string) => {
    const server = servers.get(id);
    return server === undefined ? null : lockOf(server);
  };
  const followers = await followersOf(db, ids);
  const pause = await pauseNow(db);
  const votesOf = Map.groupBy(votes, (vote) => vote.action_id);
  const linesOf = Map.groupBy(history, (line) => line.action_id);
  return rows.map((row) => ({
    row,
    server: { id: row.server_id, name: nameOf(row.server_id), lock: lockIn(row.server_id) },
    person: { id: row.requested_by_person, name: nameOf(row.requested_by_person) },
    token:
      row.requested_by_token === null ? null : { id: row.requested_by_token, name: nameOf(row.requested_by_token) },
    votes: votesOf.get(row.id) ?? [],
    history: linesOf.get(row.id) ?? [],
    /** The action that asks again with the present state. */
    followedBy: followers.find((follower) => follower.follows_action === row.id)?.id ?? null,
    pause,
  }));
}
export type ActionParts<Row extends ListedAction = ActionTable> = Awaited<ReturnType<typeof withParts<Row>>>[number];

const historyOf = preparedForOne((db, ids) =>
  db.selectFrom('action_history').selectAll().where('action_id', 'in', ids).orderBy('n'),
);

const followersOf = preparedForOne((db, ids) =>
  db.selectFrom('action').select(['id', 'follows_action']).where('follows_action', 'in', ids),
);

const serversOf = preparedForOne((db, ids) =>
  db.selectFrom('server').select(['id', 'name', 'policy_json']).where('id', 'in', ids),
);

const peopleNamed = preparedForOne((db, ids) => db.selectFrom('person').select(['id', 'name']).where('id', 'in', ids));
const tokensNamed = preparedForOne((db, ids) => db.selectFrom('token').select(['id', 'name']).where('id', 'in', ids));

/** Names of the people and tokens that asked, by their ids. */
async function namesFor(db: Db | Trx, rows: readonly ListedAction[]): Promise<Map<string, string>> {
  const people = await peopleNamed(db, unique(rows.map((row) => row.requested_by_person)));
  const tokens = await tokensNamed(db, unique(rows.map((row) => row.requested_by_token)));
  return new Map([...people, ...tokens].map(({ id, name }) => [id, name]));
}

const unique = (ids: readonly (string | null)[]) => [...new Set(ids.filter((id) => id !== null))];
