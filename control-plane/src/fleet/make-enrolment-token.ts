/** Makes the one-use token that binds an agent's key to a server. */
import { fault } from '@countersign/protocol';
import { makeOneUseSecret } from '../access/one-use.ts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { type ServerRow, serverById } from './server.store.ts';

/** How long an enrolment token works. */
export const ENROLMENT_MS = 15 * 60_000;
export const ENROLMENT_PREFIX = 'cse_';

/** A server that waits for its agent. `token` is shown once and works once; times are milliseconds since 1970. */
export interface AwaitedServer {
  readonly server: ServerRow;
  readonly token: string;
  readonly expiresAt: number;
}

/** Makes a token for a server, in the caller's transaction. The token before it ends. */
export async function makeEnrolmentToken(
  deps: Pick<Core, 'clock' | 'ids'>,
  trx: Trx,
  serverId: string,
): Promise<AwaitedServer> {
  const { secret, expiresAt } = await makeOneUseSecret(trx, deps, {
    purpose: 'enrolment',
    subjectId: serverId,
    prefix: ENROLMENT_PREFIX,
    ttlMs: ENROLMENT_MS,
  });
  const server = await serverById(trx, serverId);
  if (server === undefined) throw fault('server_not_found', { server: serverId });
  return { server, token: secret, expiresAt };
}
