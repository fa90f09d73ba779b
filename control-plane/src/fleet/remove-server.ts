/** Takes a server out of care. */
import { fault } from '@countersign/protocol';
import { deleteUnused } from '../access/one-use.store.ts';
import { firingOfServer, saveResolved } from '../alerts/alert.store.ts';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core, Fleet } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { saveRevoked, serverById } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'> & { readonly fleet: Pick<Fleet, 'disconnect'> };

/**
 * Revokes a server: its key is refused from now on, its connection ends, its tokens and alerts too. Its name is free again; its
 * actions and audit entries stay. Rejects with `server_not_found` or `server_revoked`.
 */
export async function removeServer(deps: Deps, who: Who, serverId: string): Promise<void> {
  await write(deps.db, async (trx) => {
    const server = await serverById(trx, serverId);
    if (server === undefined) throw fault('server_not_found', { server: serverId });
    if (server.state === 'revoked') throw fault('server_revoked', { server: server.name });
    const at = deps.clock.now();
    await saveRevoked(trx, serverId);
    await deleteUnused(trx, 'enrolment', serverId);
    for (const { id } of await firingOfServer(trx, serverId)) await saveResolved(trx, id, at);
    await appendEntry(trx, { event: 'server.removed', at, who, serverId, details: { name: server.name } });
    const title = `${server.name} was removed`;
    await addToTimeline(trx, { at, kind: 'server', title, serverId, by: who.person?.name });
  });
  deps.fleet.disconnect(serverId);
  deps.live.publish({ type: 'server', id: serverId });
}
