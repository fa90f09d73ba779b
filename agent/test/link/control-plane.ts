/** Plays the control plane for tests of the link: a real WebSocket server that speaks the protocol's codec and keeps what it hears. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { decodeFromAgent, encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { LEVEL } from '@countersign/protocol/agent-wire/level';
import {
  controlPlaneProof,
  type FromAgent,
  type FromControlPlane,
  linkProof,
} from '@countersign/protocol/agent-wire/messages';
import { makeSigningKey, type SigningKey, signValue, verifyValue } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import { type WebSocket, WebSocketServer } from 'ws';
import { SERVER, until } from '../run/bed.ts';

type Message<T extends FromAgent['type']> = Extract<FromAgent, { type: T }>;

export interface Behaviour {
  /** The token that enrols. */
  token: string;
  /** Signs the challenge with this key instead of its own. */
  signWith: SigningKey | null;
  /** Answers to the hello with this instead of a welcome. */
  turnAway: Extract<FromControlPlane, { type: 'turned_away' }> | null;
  /** How far its clock is ahead. */
  clockAheadMs: number;
  acknowledges: boolean;
  answersPings: boolean;
  heartbeatMs: number;
  level: number;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** One connection of an agent. */
export class Peer {
  readonly heard: FromAgent[] = [];
  readonly #socket: WebSocket;
  open: Message<'open'> | undefined;
  closed: { code: number; reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString('utf8') };
    });
    socket.on('error', () => undefined);
  }

  send(message: FromControlPlane): void {
    this.#socket.send(encode(message));
  }

  sendRaw(frame: string | Buffer): void {
    this.#socket.send(frame);
  }

  cut(): void {
    this.#socket.terminate();
  }

  all<T extends FromAgent['type']>(type: T): Message<T>[] {
    return this.heard.filter((message): message is Message<T> => message.type === type);
  }

  /** Waits for a message of a kind that fits. */
  hears<T extends FromAgent['type']>(
    type: T,
    fits: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    return until(() => this.all(type).find(fits), `a message ${type}`);
  }

  /** Asks and waits for the answer to this very request. */
  async ask(
    request:
      | Omit<Extract<FromControlPlane, { type: 'observe' }>, 'requestId'>
      | Omit<Extract<FromControlPlane, { type: 'preview' }>, 'requestId'>
      | Omit<Extract<FromControlPlane, { type: 'ask_witness' }>, 'requestId'>,
  ) {
    const requestId = systemIds.id('req');
    this.send({ ...request, requestId } as FromControlPlane);
    return until(() => {
      return this.heard.find((message) => 'requestId' in message && message.requestId === requestId);
    }, `an answer to ${request.type}`);
  }
}

export class ControlPlane {
  readonly key = makeSigningKey();
  readonly peers: Peer[] = [];
  readonly behaviour: Behaviour = {
    token: 'cse_0123456789',
    signWith: null,
    turnAway: null,
    clockAheadMs: 0,
    acknowledges: true,
    answersPings: true,
    heartbeatMs: 30_000,
    level: LEVEL,
  };
  readonly #http: ReturnType<typeof createServer>;
  readonly #ws: WebSocketServer;
  readonly #tls: boolean;
  readonly #host: string;

  private constructor(tls: TlsFiles | null, host: string) {
    this.#tls = tls !== null;
    this.#host = host;
    this.#http = tls === null ? createServer() : createTlsServer(tls);
    // Who plays dead does not answer pings either.
    this.#ws = new WebSocketServer({
      server: this.#http,
      path: '/agent',
      maxPayload: FRAME_BYTES_MAX,
      autoPong: false,
    });
    this.#ws.on('connection', (socket) => this.#serve(socket));
  }

  static async start(tls: TlsFiles | null = null, address = '127.0.0.1'): Promise<ControlPlane> {
    const made = new ControlPlane(tls, address === '127.0.0.1' ? 'localhost' : address);
    made.#http.listen(0, address);
    await once(made.#http, 'listening');
    return made;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://${this.#host}:${this.port}`;
  }

  /** Waits until the agent is connected and welcomed for the nth time, counted from 1. */
  async welcomed(nth = 1): Promise<Peer> {
    return until(() => this.peers.filter((peer) => peer.all('hello').length > 0)[nth - 1], `connection ${nth}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#ws.clients) client.terminate();
    this.#ws.close();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  #serve(socket: WebSocket): void {
    const peer = new Peer(socket);
    this.peers.push(peer);
    socket.on('ping', (data) => this.behaviour.answersPings && socket.pong(data));
    socket.on('message', (data) => {
      const decoded = decodeFromAgent(String(data));
      if (decoded.outcome !== 'ok') throw new Error(`the agent sent what does not decode: ${JSON.stringify(decoded)}`);
      peer.heard.push(decoded.message);
      this.#take(peer, decoded.message);
    });
  }

  #take(peer: Peer, message: FromAgent): void {
    if (message.type === 'open') this.#challenge(peer, message);
    else if (message.type === 'hello') this.#welcome(peer, message);
    else if ('seq' in message && this.behaviour.acknowledges) peer.send({ type: 'acknowledge', seq: message.seq });
  }

  #nonce = '';

  #challenge(peer: Peer, open: Message<'open'>): void {
    peer.open = open;
    this.#nonce = systemIds.secret('');
    const { level } = this.behaviour;
    const { publicKey, seed } = this.behaviour.signWith ?? this.key;
    const signature = signValue('control-plane-hello', controlPlaneProof(open, { nonce: this.#nonce, level }), seed);
    peer.send({ type: 'challenge', level, nonce: this.#nonce, key: publicKey, signature });
  }

  #welcome(peer: Peer, hello: Message<'hello'>): void {
    const { turnAway, token, clockAheadMs, heartbeatMs, level } = this.behaviour;
    const open = peer.open;
    if (!open) throw new Error('hello before open');
    const proof = linkProof(open, { nonce: this.#nonce, key: this.key.publicKey, level });
    const proven = verifyValue('link-hello', proof, hello.signature, open.publicKey);
    const known = hello.enrolmentToken === undefined ? hello.serverId === SERVER.id : hello.enrolmentToken === token;
    if (turnAway || !proven || !known) {
      const code = hello.enrolmentToken === undefined ? 'agent_unproven' : 'enrolment_token_invalid';
      peer.send(turnAway ?? { type: 'turned_away', fault: { code, slots: {} } });
      return;
    }
    const clock = Date.now() + clockAheadMs;
    peer.send({
      type: 'welcome',
      serverId: SERVER.id,
      serverName: SERVER.name,
      clock,
      heartbeatMs,
      thresholds: thresholdsSchema.parse({}),
    });
  }
}
