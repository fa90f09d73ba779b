/**
 * One runner at a time for a state folder, so that one process alone writes its journal. The claim is a socket that nobody
 * connects to: the kernel lets go of it when its holder dies, however it dies. Source: unix(7), abstract sockets.
 */
import { realpathSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type Clock, delay } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { makeOwnFolder } from '../host/own-files.ts';

const RETRY_MS = 200;

/** Waits until the folder is ours alone. Holding the claim keeps the process alive. Rejects when `signal` is aborted. */
export async function claim(folder: string, clock: Clock, signal: AbortSignal): Promise<Server> {
  makeOwnFolder(folder);
  const real = realpathSync(folder);
  for (;;) {
    const server = await tryToListen(addressOf(real));
    if (server !== null) return server;
    await delay(clock, RETRY_MS, signal);
  }
}

function addressOf(folder: string): string {
  if (process.platform === 'linux') return `\0countersign-runner-${sha256(folder).slice(0, 40)}`;
  // Elsewhere there are no abstract sockets; a file that a killed process left has to be removed by hand or by a restart.
  return join(folder, 'claim.sock');
}

function tryToListen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(address, () => {
      if (!address.startsWith('\0')) server.once('close', () => rmSync(address, { force: true }));
      resolve(server);
    });
  });
}
