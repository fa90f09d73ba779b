/** Reaches a runner that listens on a unix socket. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connects. Rejects with the system's error (`ENOENT`: nothing listens there, `EACCES`: not for us). */
export async function connectLocal(path: string): Promise<{ input: Socket; output: Socket }> {
  const socket = connect(path);
  await once(socket, 'connect');
  return { input: socket, output: socket };
}
