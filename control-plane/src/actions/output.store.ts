/** Queries on what actions print. */
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { ActionOutputTable } from '../storage/tables.ts';

export async function lastChunk(db: Db | Trx, actionId: string): Promise<number | undefined> {
  const { last } = await db
    .selectFrom('action_output')
    .select((q) => q.fn.max('chunk').as('last'))
    .where('action_id', '=', actionId)
    .executeTakeFirstOrThrow();
  return last === null ? undefined : Number(last);
}

/** Characters that are kept of a step. */
export async function outputLength(db: Db | Trx, actionId: string, step: string): Promise<number> {
  const { length } = await db
    .selectFrom('action_output')
    .select((q) => q.fn.sum(q.fn<number>('length', ['text'])).as('length'))
    .where('action_id', '=', actionId)
    .where('step', '=', step)
    .executeTakeFirstOrThrow();
  return Number(length ?? 0);
}

export async function insertOutput(trx: Trx, rows: readonly ActionOutputTable[]): Promise<void> {
  await trx.insertInto('action_output').values(rows).execute();
}

/** Adds to what was dropped with the last chunk, and takes its number up to the newest that came. */
export async function addDropped(
  trx: Trx,
  actionId: string,
  last: number,
  { chunk, dropped }: { readonly chunk: number; readonly dropped: number },
): Promise<void> {
  await trx
    .updateTable('action_output')
    .set((q) => ({ chunk, dropped: q('dropped', '+', dropped) }))
    .where('action_id', '=', actionId)
    .where('chunk', '=', last)
    .execute();
}

/** The end of what an action printed, at most `most` characters, and whether anything before it or in between is missing. */
export async function outputTail(
  db: Db,
  actionId: string,
  most: number,
): Promise<{ readonly text: string; readonly truncated: boolean }> {
  let text = '';
  let truncated = false;
  let before = Number.MAX_SAFE_INTEGER;
  while (text.length <= most) {
    const [row] = (await chunkBefore(db, { actionId, before })).rows;
    if (!row) break;
    before = row.chunk;
    truncated ||= row.dropped > 0;
    text = (row.dropped > 0 ? `[… ${row.dropped} bytes left out …]\n` : '') + row.text + text;
  }
  return text.length <= most ? { text, truncated } : { text: text.slice(-most).toWellFormed(), truncated: true };
}

const chunkBefore = prepared<
  { readonly actionId: string; readonly before: number },
  Pick<ActionOutputTable, 'chunk' | 'text' | 'dropped'>
>((db, slot) =>
  db
    .selectFrom('action_output')
    .select(['chunk', 'text', 'dropped'])
    .where('action_id', '=', slot('actionId'))
    .where('chunk', '<', slot('before'))
    .orderBy('chunk', 'desc')
    .limit(1),
);

/** Everything that is kept of what an action printed, in order. At most 1 MiB per step. */
export async function wholeOutput(db: Db, actionId: string): Promise<ActionOutputTable[]> {
  return db.selectFrom('action_output').selectAll().where('action_id', '=', actionId).orderBy('chunk').execute();
}

/** Actions of which output is kept, in the order of their ids, after one of them; at most `most`. With the time of their end, if they ended. */
export function actionsWithOutput(
  db: Db,
  after: string,
  most: number,
): Promise<{ readonly id: string; readonly finished_at: number | null }[]> {
  return db
    .selectFrom((q) =>
      q
        .selectFrom('action_output')
        .select('action_id')
        .where('action_id', '>', after)
        .groupBy('action_id')
        .orderBy('action_id')
        .limit(most)
        .as('kept'),
    )
    .innerJoin('action', 'action.id', 'kept.action_id')
    .select(['action.id', 'action.finished_at'])
    .orderBy('kept.action_id')
    .execute();
}

/** Forgets what these actions printed. */
export async function deleteOutput(trx: Trx, actionIds: readonly string[]): Promise<void> {
  await trx.deleteFrom('action_output').where('action_id', 'in', actionIds).execute();
}
