/** Raw echo servers in a process of their own, and how to load them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type CountedServer, startCounted } from './counted-server.ts';

export type EchoKind = 'tcp' | 'ws' | 'ws-json' | 'ws-wire';

export interface EchoServer extends CountedServer {
  readonly url: string;
}

export async function startEcho(kind: EchoKind): Promise<EchoServer> {
  const server = await startCounted('echo-server.ts', [kind]);
  return { ...server, url: `ws://127.0.0.1:${server.port}` };
}

const CONNECTIONS = 8;
const OUTSTANDING = 64;

/** Sends a frame so many times over a few connections with many under way; requests per second of the server's own CPU time. */
export async function perCpuSecond(kind: EchoKind, frame: string, times: number): Promise<number> {
  await using server = await startEcho(kind);
  const speak = kind === 'tcp' ? overTcp : overWs;
  await speak(server, frame, Math.ceil(times / 10)); // warm: what V8 compiles on the way is no cost of a request
  const before = await server.cpuMs();
  const answered = await speak(server, frame, times);
  return answered / (((await server.cpuMs()) - before) / 1000);
}

async function overWs({ url }: EchoServer, frame: string, times: number): Promise<number> {
  const each = Math.ceil(times / CONNECTIONS);
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      await once(socket, 'open');
      const done = Promise.withResolvers<void>();
      let [sent, came] = [0, 0];
      const more = () => {
        if (sent >= each) return;
        sent += 1;
        socket.send(frame);
      };
      socket.on('message', () => {
        came += 1;
        if (came === each) done.resolve();
        else more();
      });
      socket.on('close', () => done.reject(new Error(`${url} closed after ${came} of ${each}`)));
      for (let n = 0; n < OUTSTANDING; n += 1) more();
      await done.promise;
      socket.removeAllListeners('close').terminate();
    }),
  );
  return each * CONNECTIONS;
}

/** TCP has no frames: as many bytes as went out have to come back. */
async function overTcp({ port }: EchoServer, frame: string, times: number): Promise<number> {
  const each = Math.ceil(times / CONNECTIONS);
  const bytes = Buffer.from(frame);
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const done = Promise.withResolvers<void>();
      let [sent, came] = [0, 0];
      socket.on('data', (data) => {
        came += data.length;
        while (sent < each && sent - came / bytes.length < OUTSTANDING) {
          sent += 1;
          socket.write(bytes);
        }
        if (came >= each * bytes.length) done.resolve();
      });
      socket.on('error', done.reject);
      for (; sent < Math.min(each, OUTSTANDING); sent += 1) socket.write(bytes);
      await done.promise;
      socket.destroy();
    }),
  );
  return each * CONNECTIONS;
}
