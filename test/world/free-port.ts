import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** Below it are ports that programs of a machine like to have. */
const LOWEST = 10_240;

/**
 * A port of this machine on which nobody listens, of an address that is loopback unless told. No other call gets it, in any process,
 * until this process has ended, so that a program may listen on it, end, and listen again. It is none of those that Linux gives to
 * whoever asks for any (ip(7), ip_local_port_range): between now and when a program listens on it, other tests make hundreds of connections.
 *
 * @param draw a port to try, again and again; at random unless told
 */
export async function freePort(host = '127.0.0.1', draw?: () => number): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '32768');
  const end = Number.parseInt(range, 10);
  const next = draw ?? (end > LOWEST + 1000 ? () => randomInt(LOWEST, end) : () => 0);
  for (;;) {
    const port = await portThatListens(next(), host);
    if (port !== undefined && (await reserved(port))) return port;
  }
}

/**
 * Whether the port is this process's from now on. The sign of it is a socket with a name in the kernel's memory (unix(7), abstract):
 * it can be made once only, and is gone with the process, however that ends. Other systems than Linux have none.
 */
async function reserved(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const sign = await listening({ path: `\0countersign-test-port-${port}` });
  sign?.unref();
  return sign !== undefined;
}

async function portThatListens(wanted: number, host: string): Promise<number | undefined> {
  const server = await listening({ port: wanted, host });
  if (server === undefined) return undefined;
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A server that listens there, or `undefined` where another one does. */
async function listening(at: ListenOptions): Promise<Server | undefined> {
  const server = createServer().listen(at);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
