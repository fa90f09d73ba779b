/** Servers as a list in the order of their names, page by page. */
import { fault } from '@countersign/protocol';
import type { OutputOf, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import type { Db } from '../storage/database.ts';
import { listedServers } from './listed-server.store.ts';
import { type ServerEntry, type ServerRow, serversAfter, serversById } from './server.store.ts';
import { type Presence, serverViews, stateOf } from './server-view.ts';

/** So many servers are looked at at once where most of them may not fit. */
const BATCH = 500;

type Deps = { readonly db: Db; readonly presence: Presence };

/** Rejects with `invalid_input` for a label that is none, or a cursor that we did not give out. */
export async function listServers(
  deps: Deps,
  { state, label, cursor, limit }: ParsedInputOf<'listServers'>,
): Promise<OutputOf<'listServers'>> {
  const after = cursor === undefined ? undefined : placeOf(cursor);
  const all = state === undefined && label === undefined;
  const found = all
    ? await listedServers(deps.db, { after, limit: limit + 1 })
    : await matching(deps, { state, label, after, limit });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    servers: await serverViews(deps, page),
    next_cursor: last && found.length > limit ? `${last.name}~${last.id}` : null,
  };
}

interface Wanted extends Pick<ParsedInputOf<'listServers'>, 'state' | 'label' | 'limit'> {
  readonly after: Pick<ServerRow, 'id' | 'name'> | undefined;
}

/** One more than fits the page, if there are so many. Who is online is not in the store, and labels are no columns: rows are read until it is full. */
async function matching({ db, presence }: Deps, { state, label, after, limit }: Wanted): Promise<ServerRow[]> {
  const fits = fitting(presence, state, label === undefined ? undefined : labelOf(label));
  const found: ServerEntry[] = [];
  let last = after;
  while (found.length <= limit) {
    const rows = await serversAfter(db, { after: last, limit: BATCH, revoked: state === 'revoked' });
    found.push(...rows.filter(fits));
    last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) break;
  }
  return wholeRows(db, found.slice(0, limit + 1));
}

/** In the order of `page`: names may change in between. */
async function wholeRows(db: Db, page: readonly ServerEntry[]): Promise<ServerRow[]> {
  const ids = page.map(({ id }) => id);
  const rows = new Map((await serversById(db, ids)).map((row) => [row.id, row]));
  return page.flatMap(({ id }) => rows.get(id) ?? []);
}

function fitting(
  presence: Presence,
  state: ParsedInputOf<'listServers'>['state'],
  label: readonly [string, string] | undefined,
): (row: ServerEntry) => boolean {
  return (row) => {
    if (state !== undefined && stateOf(row, presence) !== state) return false;
    return label === undefined || (JSON.parse(row.labels_json) as Record<string, string>)[label[0]] === label[1];
  };
}

function labelOf(label: string): readonly [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(label) ?? [];
  if (name === undefined || value === undefined)
    throw fault('invalid_input', { problems: 'label: write it as key=value' });
  return [name, value];
}

function placeOf(cursor: string): Pick<ServerRow, 'id' | 'name'> {
  const [, name, id] = /^([a-z0-9.-]{1,100})~(srv_[0-9a-z]{12})$/.exec(cursor) ?? [];
  if (name === undefined || id === undefined)
    throw fault('invalid_input', { problems: 'cursor: not one that was given out here' });
  return { name, id };
}
