/** The way out of the network that Chromium has for itself (`chromium-apart.sh`): a socket file behind which this process speaks SOCKS. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { node } from './places.ts';

/** On loopback of that network, where nobody else is. */
export const APART_PORT = 1080;
/** What the forwarder says once it listens: no version of SOCKS. */
export const READY = Buffer.of(0, 0);
/** RFC 1928. */
const [SOCKS, NO_AUTHENTICATION, IPV4, NAME, REFUSED] = [5, 0, 1, 3, 5];
const answered = (how: number) => Buffer.of(SOCKS, how, 0, IPV4, 0, 0, 0, 0, 0, 0);

export interface WayOut {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when Chromium may connect; rejects after half a minute. */
  ready(): Promise<void>;
  /** Ends what was started in that network for it. */
  close(): Promise<void>;
}

/** The way out for a Chromium that is about to be started: how to start it, and where its connections come out. */
export async function wayOut(chromium: string): Promise<WayOut> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-apart-'));
  const exit = join(folder, 'exit');
  const open = new Set<Socket>();
  const listening = Promise.withResolvers<void>();
  const server = createServer((inner) => {
    open.add(inner);
    inner.on('error', () => undefined).on('close', () => open.delete(inner));
    serve(inner, listening.resolve).catch(() => inner.destroy());
  });
  server.listen(exit).unref();
  await once(server, 'listening');
  return {
    program: join(import.meta.dirname, 'chromium-apart.sh'),
    args: [`--proxy-server=socks5://127.0.0.1:${APART_PORT}`, '--proxy-bypass-list=<-loopback>'],
    env: {
      APART_CHROMIUM: chromium,
      APART_NODE: node,
      APART_FORWARD: join(import.meta.dirname, 'apart-forward.ts'),
      APART_EXIT: exit,
    },
    ready: async () => {
      const late = AbortSignal.timeout(30_000);
      await Promise.race([listening.promise, once(late, 'abort').then(() => Promise.reject(late.reason))]);
    },
    close: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers one connection: connects to where it wants to go, by name or IPv4 address. Rejects when it ends before it has said so. */
async function serve(inner: Socket, onReady: () => void): Promise<void> {
  const [version, methods = 0] = await take(inner, READY.length);
  if (version !== SOCKS) return onReady();
  await take(inner, methods);
  inner.write(Buffer.of(SOCKS, NO_AUTHENTICATION));
  const [, , , kind] = await take(inner, 4);
  const length = kind === NAME ? ((await take(inner, 1))[0] ?? 0) : 4;
  const to = await take(inner, length);
  const host = kind === NAME ? to.toString() : to.join('.');
  const port = (await take(inner, 2)).readUInt16BE();
  const outer = connect({ host, port });
  try {
    await once(outer, 'connect');
  } catch {
    inner.end(answered(REFUSED));
    return;
  }
  inner.write(answered(0));
  joined(inner, outer);
}

/** So many bytes of a connection. */
async function take(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = count === 0 ? Buffer.alloc(0) : (socket.read(count) as Buffer | null);
    if (bytes?.length === count) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended');
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')]);
  }
}

/** Makes one connection of two; when one is closed, so is the other, once it was given what had come. */
export function joined(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const [mine, its] of [
    [one, other],
    [other, one],
  ] as const) {
    mine.on('error', () => undefined).on('close', () => its.destroySoon());
    if (mine.destroyed) its.destroy();
  }
}
