/** Queries on the loss that an owner accepted: from when on contradictions count again. */
import { z } from 'zod';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';

const NAME = 'ledger.accepted_rollback';

const acceptedRollbackSchema = z.object({
  at: z.int(),
  by: z.string(),
  reason: z.string(),
  /** Heads that contradicted then. Beside the time, since the clock of the lost days may have been ahead. */
  heads: z.array(z.string()),
});
/** An owner's word that the loss is known. Covers what servers kept before it. */
export type AcceptedRollback = z.infer<typeof acceptedRollbackSchema>;

export async function acceptedRollback(db: Db | Trx): Promise<AcceptedRollback | null> {
  const row = (await setting(db, {})).rows[0];
  return row ? acceptedRollbackSchema.parse(JSON.parse(row.value)) : null;
}

// Every server that connects asks.
const setting = prepared<object, { readonly value: string }>((db) =>
  db.selectFrom('setting').select('value').where('name', '=', NAME),
);

export async function saveAcceptedRollback(trx: Trx, accepted: AcceptedRollback): Promise<void> {
  const value = JSON.stringify(accepted);
  await trx
    .insertInto('setting')
    .values({ name: NAME, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** Whether a contradiction was accepted: the server kept it before the owner's word, or it was one of those accepted then. */
export function isAccepted(
  accepted: { readonly at: number; readonly heads: readonly string[] } | null,
  kept: { readonly at: number; readonly head: string },
): boolean {
  return accepted !== null && (kept.at <= accepted.at || accepted.heads.includes(kept.head));
}
