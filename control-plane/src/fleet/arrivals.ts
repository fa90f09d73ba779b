/** Has upgrade requests wait in line before anything is done for them. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { visitorOf } from '../config/addresses.ts';
import type { HandshakeLine } from './handshake-line.ts';
import type { KnownAddresses } from './known-addresses.ts';

type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const comeBackIn = (seconds: number) =>
  `HTTP/1.1 503 Service Unavailable\r\nRetry-After: ${seconds}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;

/**
 * Puts the line before whoever takes upgrade requests of this server now. All of them wait, whatever their path: there is more than one
 * way to write that of agents. Whom the line has no time for is answered with 503 and when to come back. `sentAway` is told from where it came.
 */
export function queueArrivals(
  server: Server,
  line: HandshakeLine,
  { known, sentAway }: { known: KnownAddresses; sentAway: (ip: string) => void },
): void {
  const takers = server.listeners('upgrade') as TakeUpgrade[];
  server.removeAllListeners('upgrade');
  const take: TakeUpgrade = (...upgrade) => {
    for (const taker of takers) taker.apply(server, upgrade);
  };
  server.on('connection', () => line.connected());
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = request.socket.remoteAddress ?? '';
    const sendAway = (comeBackMs: number) => {
      stopWatching();
      // Nobody listens to it any more; an error that was not caught would end the process.
      socket.on('error', () => socket.destroy());
      socket.end(comeBackIn(Math.ceil(comeBackMs / 1000)), () => socket.destroy());
      sentAway(address);
    };
    const gone = () => {
      line.done(request);
      socket.destroy();
    };
    const stopWatching = watchFor(socket, gone);
    const letIn = () => {
      stopWatching();
      take(request, socket, head);
    };
    line.arrive(request, { address: visitorOf(address), isKnown: known.has(address), letIn, sendAway });
  });
}

/** Calls `gone` when the peer leaves. Returns how to stop that. */
function watchFor(socket: Duplex, gone: () => void): () => void {
  const events = ['error', 'end', 'close'] as const;
  for (const event of events) socket.on(event, gone);
  return () => {
    for (const event of events) socket.off(event, gone);
  };
}
