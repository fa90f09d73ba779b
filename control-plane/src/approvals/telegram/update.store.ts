/** Queries on the updates that were taken in, so that one that comes twice is handled once. */
import type { Trx } from '../../storage/database.ts';

/** Notes an update. False when it was noted before. */
export async function noteUpdate(trx: Trx, updateId: number, at: number): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('telegram_update')
    .values({ update_id: updateId, at })
    .onConflict((conflict) => conflict.column('update_id').doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** Forgets updates that were noted before a time. */
export async function forgetUpdates(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('telegram_update').where('at', '<', before).execute();
}
