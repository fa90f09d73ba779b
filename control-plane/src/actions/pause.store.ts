/** The pause of all changes: one row among the settings. */
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';

const name = 'dispatch.pause';

export interface Pause {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly by: { readonly id: string; readonly name: string };
  readonly channel: string;
  readonly reason: string | null;
}

const stored = prepared<object, { readonly value: string }>((db) =>
  db.selectFrom('setting').select('value').where('name', '=', name),
);

/** Who paused all changes and when; null while they go on. */
export async function pauseNow(db: Db | Trx): Promise<Pause | null> {
  const [found] = (await stored(db, {})).rows;
  return found === undefined ? null : (JSON.parse(found.value) as Pause);
}

export async function savePause(trx: Trx, pause: Pause): Promise<void> {
  await trx
    .insertInto('setting')
    .values({ name, value: JSON.stringify(pause) })
    .execute();
}

export async function deletePause(trx: Trx): Promise<void> {
  await trx.deleteFrom('setting').where('name', '=', name).execute();
}
