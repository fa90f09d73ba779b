/** What happened, newest first. */
import { fault, isoTime } from '@countersign/protocol';
import { alertExists } from '../alerts/alert.store.ts';
import { resolveServer } from '../fleet/resolve-server.ts';
import { namesOfServers } from '../fleet/server.store.ts';
import type { Core } from '../ports.ts';
import type { Handlers } from './handler.ts';
import { timelinePage } from './timeline.store.ts';

export type TimelineOperationsDeps = Pick<Core, 'db'>;

export function timelineOperations({ db }: TimelineOperationsDeps): Pick<Handlers, 'getTimeline'> {
  return {
    getTimeline: async (_caller, { server, alert, since, cursor, limit }) => {
      const serverId = server === undefined ? undefined : (await resolveServer(db, server)).id;
      if (alert !== undefined && !(await alertExists(db, alert))) throw fault('alert_not_found', { alert });
      const rows = await timelinePage(db, {
        ...{ serverId, alertId: alert, since: since === undefined ? undefined : Date.parse(since) },
        before: cursor === undefined ? undefined : placeOf(cursor),
        limit: limit + 1,
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const names = await namesOfServers(db, [...new Set(page.flatMap((row) => row.server_id ?? []))]);
      return {
        entries: page.map(({ at, kind, title, server_id, action_id, alert_id, by }) => ({
          ...{ at: isoTime(at), kind, title, action: action_id, alert: alert_id, by },
          server: server_id === null ? null : { id: server_id, name: names.get(server_id) ?? server_id },
        })),
        next_cursor: last && rows.length > limit ? `${last.at}-${last.id}` : null,
      };
    },
  };
}

function placeOf(cursor: string): { at: number; id: number } {
  const [, at, id] = /^(\d{1,16})-(\d{1,16})$/.exec(cursor) ?? [];
  if (at === undefined || id === undefined)
    throw fault('invalid_input', { problems: 'cursor: not one that was given out here' });
  return { at: Number(at), id: Number(id) };
}
