import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Below it are ports that programs of a machine like to have. */
const LOWEST = 10_240;

/**
 * A port of an address of this machine, loopback unless told, that nobody had a moment ago. It is none of those that Linux gives to
 * whoever asks for any (ip(7), ip_local_port_range): between now and when a program listens on it, other tests make hundreds of connections.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '32768');
  const end = Number.parseInt(range, 10);
  if (!(end > LOWEST + 1000)) return portThatListens(0, host);
  for (;;) {
    try {
      return await portThatListens(randomInt(LOWEST, end), host);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}

async function portThatListens(wanted: number, host: string): Promise<number> {
  const server = createServer().listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
