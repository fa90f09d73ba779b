/** Queries on what was found on servers. */
import { type Discovery, discoverySchema } from '@countersign/protocol';
import type { Db, Trx } from '../storage/database.ts';

export interface StoredDiscovery {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly discovery: Discovery;
  /** The one before it. */
  readonly before: { readonly at: number; readonly discovery: Discovery } | null;
}

/** `null` when nobody has looked yet, or what is stored is of another form by now. */
export async function newestDiscovery(db: Db | Trx, serverId: string): Promise<StoredDiscovery | null> {
  const row = await db.selectFrom('discovery').selectAll().where('server_id', '=', serverId).executeTakeFirst();
  const discovery = row === undefined ? null : parsed(row.found_json);
  if (row === undefined || discovery === null) return null;
  const before = row.before_json === null ? null : parsed(row.before_json);
  return {
    at: row.found_at,
    discovery,
    before: before === null || row.before_at === null ? null : { at: row.before_at, discovery: before },
  };
}

/** Keeps a finding; the one that was the newest becomes the one before. */
export async function saveDiscovery(
  trx: Trx,
  serverId: string,
  { at, discovery }: { readonly at: number; readonly discovery: Discovery },
): Promise<StoredDiscovery> {
  const last = await newestDiscovery(trx, serverId);
  const before = last === null ? null : { at: last.at, discovery: last.discovery };
  const values = {
    found_at: at,
    found_json: JSON.stringify(discovery),
    before_at: before?.at ?? null,
    before_json: before === null ? null : JSON.stringify(before.discovery),
  };
  await trx
    .insertInto('discovery')
    .values({ server_id: serverId, ...values })
    .onConflict((conflict) => conflict.column('server_id').doUpdateSet(values))
    .execute();
  return { at, discovery, before };
}

function parsed(json: string): Discovery | null {
  return discoverySchema.safeParse(JSON.parse(json)).data ?? null;
}
