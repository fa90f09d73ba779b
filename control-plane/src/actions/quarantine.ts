/** A server whose identity a second agent used: no change goes there until an owner has looked (threat T2). */
import { type Fault, fault } from '@countersign/protocol';
import { isQuarantined } from '../fleet/quarantine.store.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Db, Trx } from '../storage/database.ts';

/** `server_quarantined` while it is so. */
export async function whyQuarantined(
  db: Db | Trx,
  { id, name }: Pick<ServerRow, 'id' | 'name'>,
): Promise<Fault | undefined> {
  return (await isQuarantined(db, id)) ? fault('server_quarantined', { server: name }) : undefined;
}
