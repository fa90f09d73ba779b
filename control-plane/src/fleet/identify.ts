/** Finds out which server an agent is. Its signature was checked before: here only who the key belongs to. */
import { Fault, fault } from '@countersign/protocol';
import type { Core } from '../ports.ts';
import { enrol } from './enroll.ts';
import type { Hello } from './handshake.ts';
import { type ServerRow, serverById, serverByKey } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'>;

export interface Proven {
  readonly hello: Hello;
  /** The key that the agent proved to hold. */
  readonly publicKey: string;
  readonly ip: string;
}

/**
 * The server of a proven agent; `enrolledNow` when its token has just bound the key. Rejects with `agent_unproven`,
 * `server_revoked` or `enrolment_token_invalid`.
 */
export async function identify(
  deps: Deps,
  { hello, publicKey, ip }: Proven,
): Promise<{ readonly server: ServerRow; readonly enrolledNow: boolean }> {
  if (hello.enrolmentToken === undefined) return { server: await known(deps, hello, publicKey), enrolledNow: false };
  try {
    const server = await enrol(deps, { token: hello.enrolmentToken, publicKey, hello, ip });
    return { server, enrolledNow: true };
  } catch (error) {
    // The welcome after an enrolment may have been lost: then the token is used, but the key is bound and proves enough.
    const bound = await serverByKey(deps.db, publicKey);
    if (bound === undefined || !(error instanceof Fault) || error.code !== 'enrolment_token_invalid') throw error;
    return { server: bound, enrolledNow: false };
  }
}

async function known(deps: Deps, hello: Hello, publicKey: string): Promise<ServerRow> {
  const server =
    hello.serverId === undefined ? await serverByKey(deps.db, publicKey) : await serverById(deps.db, hello.serverId);
  if (server === undefined) throw fault('agent_unproven', { reason: 'no server has this identity' });
  if (server.state === 'revoked') throw fault('server_revoked', { server: server.name });
  if (server.public_key !== publicKey)
    throw fault('agent_unproven', { reason: `its key is not the one that server ${server.name} was enrolled with` });
  return server;
}
