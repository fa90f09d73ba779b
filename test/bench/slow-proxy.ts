/** A TCP proxy that makes a connection long: each chunk waits half a round trip in each direction, in order. Bandwidth is not limited. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SlowProxy extends AsyncDisposable {
  readonly port: number;
}

/** Starts a proxy on loopback to a port of loopback. Timers are exact to a millisecond or so, late rather than early. */
export async function startSlowProxy(target: number, roundTripMs: number): Promise<SlowProxy> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (chunk: Buffer) => setTimeout(() => to.writable && to.write(chunk), roundTripMs / 2));
      from.on('end', () => setTimeout(() => to.writable && to.end(), roundTripMs / 2));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        setTimeout(() => to.destroy(), roundTripMs);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
