/** Queries on the timeline. */
import type { Selectable } from 'kysely';
import type { Db } from '../storage/database.ts';
import type { TimelineEntryTable } from '../storage/tables.ts';

export type TimelineRow = Selectable<TimelineEntryTable>;

export interface TimelineQuery {
  readonly serverId?: string | undefined;
  readonly alertId?: string | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  /** The page begins after this entry. */
  readonly before?: Pick<TimelineRow, 'at' | 'id'> | undefined;
  readonly limit: number;
}

/** Entries, newest first. */
export async function timelinePage(db: Db, query: TimelineQuery): Promise<TimelineRow[]> {
  const { serverId, alertId, since, before, limit } = query;
  let rows = db.selectFrom('timeline_entry').selectAll();
  if (serverId !== undefined) rows = rows.where('server_id', '=', serverId);
  if (alertId !== undefined) rows = rows.where('alert_id', '=', alertId);
  if (since !== undefined) rows = rows.where('at', '>=', since);
  if (before !== undefined) rows = rows.where((q) => q(q.refTuple('at', 'id'), '<', q.tuple(before.at, before.id)));
  return rows.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute();
}
