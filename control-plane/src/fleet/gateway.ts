/** Where agents connect: `GET /agent`, a WebSocket. The only file of the control plane that knows sockets. */

import { fault, shorten } from '@countersign/protocol';
import { encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { WebSocket } from 'ws';
import type { Log } from '../ports.ts';
import { AgentConnection, type ConnectionDeps } from './connection.ts';
import { type CloseCode, closeCodes, type Wire } from './wire.ts';

/** What a socket may hold of a message in pieces before it is cut off. Agents send messages whole. */
const PIECES = { maxFragments: 64, maxBufferedChunks: 8192 };
/** How long a peer has to answer a closing frame, milliseconds. */
const CLOSING_MS = 3000;
/** Longest reason that fits into a closing frame, bytes (RFC 6455, section 5.5). */
const REASON_BYTES = 123;

/**
 * The plugin that serves `GET /agent`. Register it before any other route: it takes over upgrade requests of the whole app,
 * and ends those that go to routes that are no WebSockets. When the app closes, agents are told to come back later.
 */
export function fleetGateway(deps: ConnectionDeps): FastifyPluginAsync {
  let unproven = 0;
  const plugin: FastifyPluginAsync = async (app) => {
    await app.register(websocket, {
      options: { maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false, ...PIECES, closeTimeout: CLOSING_MS } as object,
      errorHandler: (error, socket, request) => {
        // Oversized and malformed frames end here; ws has sent the closing frame already.
        deps.log.info('agent.socket_error', { ip: request.ip, error: error.message });
        if (socket.readyState === WebSocket.OPEN) socket.close(closeCodes.internal);
      },
      preClose: (done) => closeAll(app, done),
    });
    app.get(
      '/agent',
      { websocket: true, preValidation: async (request) => refuseBrowsers(request.headers) },
      (socket, request) => {
        const wire = new SocketWire(socket, request.ip, deps.limits.unsentBytes, deps.log);
        if (unproven >= deps.limits.unprovenMax) {
          wire.close('busy', 'too many agents are connecting; come back in a moment');
          return;
        }
        unproven += 1;
        const proven = () => {
          unproven -= 1;
        };
        listen(socket, wire, new AgentConnection(deps, wire, proven), deps.log);
      },
    );
  };
  // As fastify-plugin does: the hooks that deal with upgrades must see every route of the app.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

/** No browser is an agent. */
function refuseBrowsers(headers: { readonly origin?: string | undefined }): void {
  if (headers.origin !== undefined) throw fault('origin_denied', { origin: headers.origin, expected: 'no browser' });
}

function listen(socket: WebSocket, wire: Wire, connection: AgentConnection, log: Log): void {
  socket.on('message', (data: Buffer, isBinary) => {
    try {
      if (isBinary) wire.close('not_text', 'frames are JSON text');
      else if (wire.isOpen) connection.frame(data.toString('utf8'));
    } catch (error) {
      // A defect that one agent met must not take the others down.
      log.error('agent.frame_not_handled', { ip: wire.ip, error: String(error) });
      wire.close('internal', 'something went wrong on our side; come back in a moment');
    }
  });
  socket.on('ping', () => connection.heard());
  socket.on('pong', (word: Buffer) => connection.ponged(word.toString('utf8')));
  socket.on('close', () => connection.closed());
}

function closeAll(app: FastifyInstance, done: () => void): void {
  const { websocketServer: server } = app;
  const clients = [...server.clients];
  for (const client of clients) client.close(closeCodes.stopping, 'the control plane stops; come back in a moment');
  server.close(() => done());
}

class SocketWire implements Wire {
  readonly ip: string;
  readonly #socket: WebSocket;
  readonly #unsentBytes: number;
  readonly #log: Log;
  /** Two parties may ask not to read: the flood gate and the queue of reports. */
  #pauses = 0;

  constructor(socket: WebSocket, ip: string, unsentBytes: number, log: Log) {
    this.#socket = socket;
    this.ip = ip;
    this.#unsentBytes = unsentBytes;
    this.#log = log;
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
    if (this.#socket.bufferedAmount > this.#unsentBytes) {
      this.#log.warn('agent.reads_too_slowly', { ip: this.ip, waiting: this.#socket.bufferedAmount });
      this.cut();
      return;
    }
    this.#socket.send(frame, (error) => {
      if (error) this.#log.info('agent.not_sent', { ip: this.ip, type: message.type, error: error.message });
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
