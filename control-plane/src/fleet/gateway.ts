/** Where agents connect: `GET /agent`, a WebSocket. With `arrivals.ts` the only file of the control plane that knows sockets. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { fault, shorten } from '@countersign/protocol';
import { encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import websocket from '@fastify/websocket';
import type { FastifyPluginAsync } from 'fastify';
import { WebSocket } from 'ws';
import type { Log } from '../ports.ts';
import { queueArrivals } from './arrivals.ts';
import { AgentConnection, type ConnectionDeps } from './connection.ts';
import type { HandshakeLine } from './handshake-line.ts';
import { KnownAddresses } from './known-addresses.ts';
import { type CloseCode, closeCodes, type Wire } from './wire.ts';

/** What a socket may hold of a message in pieces before it is cut off. Agents send messages whole. */
const PIECES = { maxFragments: 64, maxBufferedChunks: 8192 };
const PATH = '/agent';
/** What a frame counts for while it waits in line, besides its characters: an agent has one there, a stranger shall not have hundreds. */
const FRAME_WEIGHS = 64 * 1024;
/** How long a peer has to answer a closing frame, milliseconds. */
const CLOSING_MS = 3000;
/** Longest reason that fits into a closing frame, bytes (RFC 6455, section 5.5). */
const REASON_BYTES = 123;

/**
 * The plugin that serves `GET /agent`. Register it before any other route: it takes over upgrade requests of the whole app,
 * and ends those that go to routes that are no WebSockets. When the app closes, agents are told to come back later.
 */
export function fleetGateway(deps: ConnectionDeps, line: HandshakeLine): FastifyPluginAsync {
  const { limits, log } = deps;
  const known = new KnownAddresses();
  const open = new OpenSockets();
  const around: Surroundings = { unsentBytes: limits.unsentBytes, line, log, open };
  const responses = new WeakMap<IncomingMessage, ServerResponse>();
  let unproven = 0;
  const plugin: FastifyPluginAsync = async (app) => {
    await app.register(websocket, {
      options: { maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false, ...PIECES, ...OWN_SOCKETS } as object,
      preClose: (done) => {
        line.close();
        app.websocketServer.close();
        open.closeAll(done);
      },
    });
    const sentAway = (ip: string) => log.info('agent.sent_away', { ip });
    queueArrivals(app.server, line, { known, sentAway });
    app.get(
      PATH,
      {
        websocket: true,
        preValidation: async ({ raw, headers }, reply) => {
          refuseBrowsers(headers);
          responses.set(raw, reply.raw);
        },
      },
      (socket, { raw, ip }) => {
        letGo(socket, raw, responses.get(raw));
        const wire = new SocketWire(socket as AgentSocket, ip, around);
        const { remoteAddress } = raw.socket;
        // Strangers who are through the line and say nothing leave room for those who are known.
        if (unproven >= limits.unprovenMax * (known.has(remoteAddress) ? 2 : 1)) {
          wire.close('busy', 'too many agents are connecting; come back in a moment');
          return;
        }
        unproven += 1;
        const unprovenDone = (isProven: boolean) => {
          unproven -= 1;
          line.done(raw);
          if (isProven) known.add(remoteAddress);
        };
        wire.serve(new AgentConnection(deps, wire, unprovenDone), 2 * limits.unprovenFrameBytes);
      },
    );
  };
  // As fastify-plugin does: the hooks that deal with upgrades must see every route of the app.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

/**
 * The request is answered, but its socket still knows request and response, and the plugin's listener for errors does too: with twenty
 * thousand agents they would weigh more than the sockets. The wire takes errors in place of the listener.
 */
function letGo(socket: WebSocket, request: IncomingMessage, response: ServerResponse | undefined): void {
  response?.detachSocket(request.socket);
  socket.removeAllListeners('error');
}

/** No browser is an agent. */
function refuseBrowsers(headers: { readonly origin?: string | undefined }): void {
  if (headers.origin !== undefined) throw fault('origin_denied', { origin: headers.origin, expected: 'no browser' });
}

/** The sockets of agents. The list that ws keeps has a listener of its own on each of them. */
class OpenSockets {
  readonly #all = new Set<WebSocket>();
  #whenEmpty: (() => void) | undefined;

  add(socket: WebSocket): void {
    this.#all.add(socket);
  }

  delete(socket: WebSocket): void {
    this.#all.delete(socket);
    this.#look();
  }

  /** Tells all agents to come back later. Calls `then` when the last is gone. */
  closeAll(then: () => void): void {
    this.#whenEmpty = then;
    for (const socket of this.#all) socket.close(closeCodes.stopping, 'the control plane stops; come back in a moment');
    this.#look();
  }

  #look(): void {
    if (this.#all.size > 0) return;
    this.#whenEmpty?.();
    this.#whenEmpty = undefined;
  }
}

/**
 * The socket of an agent. It hands what happens straight to its wire: listeners for each socket, one of which ws adds to look after its list of
 * sockets, weighed 300 bytes.
 */
class AgentSocket extends WebSocket {
  wire: SocketWire | undefined;

  override emit(event: string, ...words: unknown[]): boolean {
    const take = this.wire && takers[event];
    if (!take) return super.emit(event, ...words);
    take(this.wire as SocketWire, ...(words as never[]));
    return true;
  }
}

const OWN_SOCKETS = { WebSocket: AgentSocket, clientTracking: false, closeTimeout: CLOSING_MS };

const takers: Readonly<Record<string, ((wire: SocketWire, ...words: never[]) => void) | undefined>> = {
  message: (wire, data: Buffer, isBinary: boolean) => wire.take(data, isBinary),
  ping: (wire) => wire.connection?.heard(),
  pong: (wire, word: Buffer) => wire.connection?.ponged(word.toString('utf8')),
  close: (wire) => wire.closed(),
  error: (wire, error: Error) => wire.failed(error),
};

interface Surroundings {
  readonly unsentBytes: number;
  readonly line: HandshakeLine;
  readonly log: Log;
  readonly open: OpenSockets;
}

class SocketWire implements Wire {
  readonly ip: string;
  connection: AgentConnection | undefined;
  readonly #socket: AgentSocket;
  readonly #around: Surroundings;
  /** Two parties may ask not to read: the flood gate and the queue of reports. */
  #pauses = 0;
  /** Frames that wait in line: their characters, and what each costs besides. */
  #inLine = 0;
  #inLineMax = 0;

  constructor(socket: AgentSocket, ip: string, around: Surroundings) {
    this.#socket = socket;
    this.ip = ip;
    this.#around = around;
    socket.wire = this;
    around.open.add(socket);
  }

  /** Hands frames to a connection from now on. Before it works, no more of them wait than these characters. */
  serve(connection: AgentConnection, inLineMax: number): void {
    this.connection = connection;
    this.#inLineMax = inLineMax;
  }

  /** Takes a message from the socket. Those of a handshake wait in line, and what comes after them waits behind them. */
  take(data: Buffer, isBinary: boolean): void {
    if (!this.isOpen) return;
    if (isBinary) this.close('not_text', 'frames are JSON text');
    else if (this.connection?.isWorking && this.#inLine === 0) this.#hand(data.toString('utf8'));
    else this.#queue(data.toString('utf8'));
  }

  /** Oversized and malformed frames end here; ws has sent the closing frame already. */
  failed(error: Error): void {
    this.#around.log.info('agent.socket_error', { ip: this.ip, error: error.message });
    if (this.isOpen) this.#socket.close(closeCodes.internal);
  }

  closed(): void {
    this.#around.open.delete(this.#socket);
    this.connection?.closed();
  }

  #queue(text: string): void {
    const weight = text.length + FRAME_WEIGHS;
    if (this.#inLine + weight > this.#inLineMax) {
      this.close('too_large', 'more came before the welcome than an agent says');
      return;
    }
    this.#inLine += weight;
    this.#around.line.frame(() => {
      this.#inLine -= weight;
      this.#hand(text);
    });
  }

  #hand(text: string): void {
    try {
      if (this.isOpen) this.connection?.frame(text);
    } catch (error) {
      // A defect that one agent met must not take the others down.
      this.#around.log.error('agent.frame_not_handled', { ip: this.ip, error: String(error) });
      this.close('internal', 'something went wrong on our side; come back in a moment');
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  send(message: Parameters<Wire['send']>[0]): void {
    const frame = encode(message);
    const bytes = Buffer.byteLength(frame);
    if (bytes > FRAME_BYTES_MAX) throw fault('too_large', { bytes, limit: FRAME_BYTES_MAX });
    if (!this.isOpen) return;
    if (this.#socket.bufferedAmount > this.#around.unsentBytes) {
      this.#around.log.warn('agent.reads_too_slowly', { ip: this.ip, waiting: this.#socket.bufferedAmount });
      this.cut();
      return;
    }
    this.#socket.send(frame, (error) => {
      if (error) this.#around.log.info('agent.not_sent', { ip: this.ip, type: message.type, error: error.message });
    });
  }

  ping(word = ''): void {
    if (this.isOpen) this.#socket.ping(word);
  }

  close(code: CloseCode, reason: string): void {
    // What waits unread must not keep the peer's closing frame from us.
    this.#pauses = 0;
    this.#socket.resume();
    this.#socket.close(closeCodes[code], fit(reason));
  }

  cut(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#pauses += 1;
    this.#socket.pause();
  }

  resume(): void {
    this.#pauses = Math.max(0, this.#pauses - 1);
    if (this.#pauses === 0) this.#socket.resume();
  }
}

function fit(reason: string): string {
  let text = shorten(reason, REASON_BYTES);
  while (Buffer.byteLength(text) > REASON_BYTES) text = text.slice(0, -1);
  return text;
}
