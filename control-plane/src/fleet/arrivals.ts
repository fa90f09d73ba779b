/** Has upgrade requests wait in line before anything is done for them. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HandshakeLine } from './handshake-line.ts';
import type { KnownAddresses } from './known-addresses.ts';

type TakeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const COME_BACK =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * Puts the line before whoever takes upgrade requests of this server now. All of them wait, whatever their path: there is more than one
 * way to write that of agents. When `most` of a kind wait already, known or strangers, or one waited too long, it is answered with 503. `sentAway` is told from where it came.
 */
export function queueArrivals(
  server: Server,
  line: HandshakeLine,
  { most, known, sentAway }: { most: number; known: KnownAddresses; sentAway: (ip: string) => void },
): void {
  const takers = server.listeners('upgrade') as TakeUpgrade[];
  server.removeAllListeners('upgrade');
  const take: TakeUpgrade = (...upgrade) => {
    for (const taker of takers) taker.apply(server, upgrade);
  };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const ip = request.socket.remoteAddress ?? '';
    const sendAway = () => {
      stopWatching();
      // Nobody listens to it any more; an error that was not caught would end the process.
      socket.on('error', () => socket.destroy());
      socket.end(COME_BACK, () => socket.destroy());
      sentAway(ip);
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
    const arrival = { isKnown: known.has(request.socket.remoteAddress), letIn, sendAway };
    if (line.waiting(arrival) >= most) sendAway();
    else line.arrive(request, arrival);
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
