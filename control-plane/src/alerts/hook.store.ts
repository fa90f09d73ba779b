/** Queries on webhooks that take alerts in. A hook's secret is known by its SHA-256 only. */
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { HookTable } from '../storage/tables.ts';

export type HookRow = Selectable<HookTable>;

export async function hookById(db: Db | Trx, id: string): Promise<HookRow | undefined> {
  return db.selectFrom('hook').selectAll().where('id', '=', id).where('removed_at', 'is', null).executeTakeFirst();
}

export async function presentHooks(db: Db | Trx): Promise<HookRow[]> {
  return db
    .selectFrom('hook')
    .selectAll()
    .where('removed_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

export async function insertHook(trx: Trx, hook: HookRow): Promise<void> {
  await trx.insertInto('hook').values(hook).execute();
}

export async function touchHook(trx: Trx, id: string, at: number): Promise<void> {
  await trx.updateTable('hook').set({ last_used_at: at }).where('id', '=', id).execute();
}

export async function saveHookRemoved(trx: Trx, id: string, at: number): Promise<void> {
  await trx.updateTable('hook').set({ removed_at: at }).where('id', '=', id).execute();
}
