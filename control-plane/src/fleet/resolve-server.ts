/** From what a caller calls a server to its row. */
import { fault } from '@countersign/protocol';
import type { Db, Trx } from '../storage/database.ts';
import { type ServerRow, serverByRef } from './server.store.ts';

/**
 * The server with this id or name. Names of removed servers are free again; their ids still lead to them.
 * Rejects with `server_not_found`.
 */
export async function resolveServer(db: Db | Trx, ref: string): Promise<ServerRow> {
  const server = await serverByRef(db, ref);
  if (server === undefined) throw fault('server_not_found', { server: ref });
  return server;
}

/** The same, for what only works on servers under care: rejects with `server_revoked` too. */
export async function resolveServerUnderCare(db: Db | Trx, ref: string): Promise<ServerRow> {
  const server = await resolveServer(db, ref);
  if (server.state === 'revoked') throw fault('server_revoked', { server: server.name });
  return server;
}
