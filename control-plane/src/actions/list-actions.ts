/** Actions as a list, newest first, page by page. */
import { fault } from '@countersign/protocol';
import type { OutputOf, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import { resolveServer } from '../fleet/resolve-server.ts';
import { finalStates, unfinishedStates } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { newestActions } from './action-list.store.ts';
import { withParts } from './action-parts.store.ts';
import { actionView } from './action-view.ts';

/** Rejects with `server_not_found`, or `invalid_input` for a cursor that we did not give out. */
export async function listActions(
  deps: Pick<ActionDeps, 'db' | 'fleet'>,
  { server, state, open, cursor, limit }: ParsedInputOf<'listActions'>,
): Promise<OutputOf<'listActions'>> {
  const serverId = server === undefined ? undefined : (await resolveServer(deps.db, server)).id;
  const inScope = open === undefined ? undefined : open === 'true' ? unfinishedStates : finalStates;
  const states = state === undefined ? inScope : [state].filter((it) => inScope?.includes(it) ?? true);
  if (states?.length === 0) return { actions: [], next_cursor: null };
  const before = cursor === undefined ? undefined : placeOf(cursor);
  const rows = await newestActions(deps.db, { serverId, states, before }, limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    actions: (await withParts(deps.db, page)).map((parts) =>
      actionView(parts, deps.fleet.isOnline(parts.row.server_id)),
    ),
    next_cursor: last && rows.length > limit ? `${last.created_at}-${last.id}` : null,
  };
}

function placeOf(cursor: string): { at: number; id: string } {
  const [, at, id] = /^(\d{1,16})-(act_[0-9a-z]{12})$/.exec(cursor) ?? [];
  if (at === undefined || id === undefined)
    throw fault('invalid_input', { problems: 'cursor: not one that was given out here' });
  return { at: Number(at), id };
}
