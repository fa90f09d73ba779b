/** Servers as a list in the order of their names, page by page. */
import { fault } from '@countersign/protocol';
import type { OutputOf, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import type { Db } from '../storage/database.ts';
import { type ServerRow, serversAfter } from './server.store.ts';
import { type Presence, serverViews, stateOf } from './server-view.ts';

/** So many rows are looked at at once when most of them do not fit. */
const BATCH = 500;

/** Rejects with `invalid_input` for a label that is none, or a cursor that we did not give out. */
export async function listServers(
  deps: { readonly db: Db; readonly presence: Presence },
  { state, label, cursor, limit }: ParsedInputOf<'listServers'>,
): Promise<OutputOf<'listServers'>> {
  const fits = fitting(deps.presence, state, label === undefined ? undefined : labelOf(label));
  const found: ServerRow[] = [];
  let after = cursor === undefined ? undefined : placeOf(cursor);
  // Who is online is not in the store, and labels are not columns: rows are read until the page is full.
  while (found.length <= limit) {
    const rows = await serversAfter(deps.db, { after, limit: BATCH, revoked: state === 'revoked' });
    found.push(...rows.filter(fits));
    after = rows.at(-1);
    if (after === undefined || rows.length < BATCH) break;
  }
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    servers: await serverViews(deps, page),
    next_cursor: last && found.length > limit ? `${last.name}~${last.id}` : null,
  };
}

function fitting(
  presence: Presence,
  state: ParsedInputOf<'listServers'>['state'],
  label: readonly [string, string] | undefined,
): (row: ServerRow) => boolean {
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
