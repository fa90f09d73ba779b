/** Where links reach the runner: a socket that systemd handed over, one that we make, or the pipes of the parent. */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { isMissing, makeOwnFolder } from '../host/own-files.ts';

/** A server has one link; a few more at once are one that comes back, `status` and `doctor`. The rest is turned away. */
const CONNECTIONS_MAX = 16;

/** `fd` is a listening socket that was inherited (systemd: always 3, sd_listen_fds(3)). */
export type Listening = { readonly fd: number } | { readonly path: string };

/**
 * Listens for links. A socket file of our own is made with mode 0600: only root and the user that runs this can connect. One
 * that systemd made has the owner, group and mode that its unit gives. Rejects with the system's error.
 */
export async function listen(at: Listening, onLink: (input: Readable, output: Writable) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: false }, (socket) => onLink(socket, socket));
  server.maxConnections = CONNECTIONS_MAX;
  if ('path' in at) clearStale(at.path);
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  if ('path' in at) chmodSync(at.path, 0o600);
  return server;
}

/** A socket file that a killed runner left. Whoever holds the claim on the state folder may remove it. */
function clearStale(path: string): void {
  makeOwnFolder(dirname(path));
  try {
    if (lstatSync(path).isSocket()) rmSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
