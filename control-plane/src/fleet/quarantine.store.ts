/** Queries on quarantine: it lasts as long as the alert of a second agent fires. */
import { firingOfServer } from '../alerts/alert.store.ts';
import type { Db, Trx } from '../storage/database.ts';

/** The kind of the alert that a second agent raises. */
export const DUPLICATE = 'agent_duplicate';

export async function isQuarantined(db: Db | Trx, serverId: string): Promise<boolean> {
  const firing = await firingOfServer(db, serverId);
  return firing.some(({ source, kind }) => source === 'control_plane' && kind === DUPLICATE);
}
