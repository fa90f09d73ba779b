/** Makes a new enrolment token for a server that is under care already. */
import { fault } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { type AwaitedServer, makeEnrolmentToken } from './make-enrolment-token.ts';
import { clearEnrolmentSteps, serverById } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'ids'>;

/**
 * The token before it ends. An agent that is enrolled keeps working until the new token is used, which
 * replaces its key. Rejects with `server_not_found` or `server_revoked`.
 */
export async function renewEnrolment(deps: Deps, who: Who, serverId: string): Promise<AwaitedServer> {
  return write(deps.db, async (trx) => {
    const server = await serverById(trx, serverId);
    if (server === undefined) throw fault('server_not_found', { server: serverId });
    if (server.state === 'revoked') throw fault('server_revoked', { server: server.name });
    await clearEnrolmentSteps(trx, serverId);
    await appendEntry(trx, { event: 'server.enrolment_renewed', at: deps.clock.now(), who, serverId });
    return makeEnrolmentToken(deps, trx, serverId);
  });
}
