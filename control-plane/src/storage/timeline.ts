/** Adds a line to the timeline that people and assistants read. */
import type { Trx } from './database.ts';
import { prepared } from './prepared.ts';
import type { TimelineEntryTable } from './tables.ts';

export interface TimelineLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: TimelineEntryTable['kind'];
  /** One sentence in our words. */
  readonly title: string;
  readonly serverId?: string | undefined;
  readonly actionId?: string | undefined;
  readonly alertId?: string | undefined;
  /** Name of who did it. */
  readonly by?: string | undefined;
}

const insertLine = prepared<Omit<TimelineEntryTable, 'id'>>((db, slot) =>
  db.insertInto('timeline_entry').values({
    ...{ at: slot('at'), kind: slot('kind'), title: slot('title') },
    ...{ server_id: slot('server_id'), action_id: slot('action_id'), alert_id: slot('alert_id'), by: slot('by') },
  }),
);

/** Adds one line, in the caller's transaction, so that what happened and what is told of it never differ. */
export async function addToTimeline(trx: Trx, line: TimelineLine): Promise<void> {
  await insertLine(trx, {
    at: line.at,
    kind: line.kind,
    title: line.title,
    server_id: line.serverId ?? null,
    action_id: line.actionId ?? null,
    alert_id: line.alertId ?? null,
    by: line.by ?? null,
  });
}
