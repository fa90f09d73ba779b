/** Queries on what assistants were offered at the start before. */
import { z } from 'zod';
import type { Trx } from '../storage/database.ts';

const offeredSchema = z.record(z.string(), z.string());
/** Name to digest. */
export type Offered = Readonly<Record<string, string>>;

export async function offeredBefore(trx: Trx, kind: string): Promise<Offered | null> {
  const row = await trx.selectFrom('setting').select('value').where('name', '=', `offered.${kind}`).executeTakeFirst();
  return row ? offeredSchema.parse(JSON.parse(row.value)) : null;
}

export async function saveOffered(trx: Trx, kind: string, offered: Offered): Promise<void> {
  const value = JSON.stringify(offered);
  await trx
    .insertInto('setting')
    .values({ name: `offered.${kind}`, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}
