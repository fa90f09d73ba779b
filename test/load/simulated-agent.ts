/**
 * An agent without a server: it speaks the real wire with the protocol's own codec and keys, and does what it is told to
 * answer. For tests of the control plane and for load: thousands fit into one process.
 */
import { createHash } from 'node:crypto';
import { comeBackAfter } from '@countersign/agent/link/retry-after';
import { Fault } from '@countersign/protocol';
import { decodeFromControlPlane, encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import type { AgentAlert, StatusSample } from '@countersign/protocol/agent-wire/facts';
import { LEVEL, OLDEST_LEVEL } from '@countersign/protocol/agent-wire/level';
import {
  controlPlaneProof,
  type FromAgent,
  type FromControlPlane,
  linkProof,
  type WireFault,
} from '@countersign/protocol/agent-wire/messages';
import { makeSigningKey, publicKeyOf, type SigningKey, signValue, verifyValue } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import { WebSocket } from 'ws';
import {
  type Ending,
  type Of,
  type Report,
  type Reported,
  SentAway,
  type SimulatedAgentOptions,
  TurnedAway,
  waitAfter,
} from './agent-options.ts';
import { ordinaryAgent, ordinaryReport, ordinarySample } from './ordinary-agent.ts';
import { SimulatedTrust } from './simulated-trust.ts';

export { SentAway, type SimulatedAgentOptions, TurnedAway, waitAfter };

/** Makes an agent; `connect` connects it. */
export function simulatedAgent(options: SimulatedAgentOptions): SimulatedAgent {
  return new SimulatedAgent(options);
}

export class SimulatedAgent {
  readonly key: SigningKey;
  serverId: string | undefined;
  /** Every message that came, in order, unless it remembers none. */
  readonly received: FromControlPlane[] = [];
  /** The last hello as it was sent, to replay it. */
  lastHello: string | undefined;
  /** What its runner holds: the lock and the checkpoints. */
  readonly trust: SimulatedTrust;
  readonly #options: SimulatedAgentOptions;
  #token: string | undefined;
  /** The control plane's key of the first connection. */
  #pinned: string | undefined;
  #socket: WebSocket | undefined;
  #outbox: Reported[] = [];
  #nextSeq = 0;
  #acknowledged = -1;
  #waiters: (() => void)[] = [];
  readonly #expected = new Set<(message: FromControlPlane) => void>();
  /** Whether the present connection was welcomed: nothing else may be sent before. */
  #isWelcomed = false;
  #requests = new Map<string, AbortController>();
  #ended: Promise<Ending> | undefined;
  #beat: NodeJS.Timeout | undefined;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.key = options.key ?? makeSigningKey();
    this.serverId = options.serverId;
    this.#token = options.token;
    const witnessKey = options.witnessKey === undefined ? runnerKeyOf(this.key) : options.witnessKey;
    this.trust = new SimulatedTrust(witnessKey, { ...ordinaryAgent().policy, ...options.policy });
  }

  /** Connects and proves itself. Resolves with the welcome; rejects with {@link SentAway}, {@link TurnedAway} or the socket's error. */
  async connect(): Promise<Of<'welcome'>> {
    const socket = this.open();
    const turnedAway = this.ended.then((ending): never => {
      throw new TurnedAway(ending);
    });
    turnedAway.catch(() => undefined); // it ends one day, and then nobody waits for it
    const [challenge, welcome] = [this.#expect('challenge'), this.#expect('welcome')];
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
        socket.once('unexpected-response', (_, response) => {
          const comeBackMs = comeBackAfter(response);
          reject(
            comeBackMs === null
              ? new Error(`Unexpected server response: ${response.statusCode}`)
              : new SentAway(comeBackMs),
          );
          socket.terminate();
        });
      });
      const open = this.openMessage();
      this.send(open);
      const challenged = await Promise.race([challenge.message, turnedAway]);
      this.#checkControlPlane(open, challenged);
      this.lastHello = encode(this.helloMessage(open, challenged));
      this.sendRaw(this.lastHello);
      return this.#welcomed(await Promise.race([welcome.message, turnedAway]));
    } finally {
      challenge.forget();
      welcome.forget();
    }
  }

  /** Opens the socket and nothing more: for those who want to speak by hand. */
  open(): WebSocket {
    const socket = new WebSocket(`${this.#options.url.replace(/^http/, 'ws')}/agent`, {
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      rejectUnauthorized: !this.#options.insecure,
      ...(this.#options.localAddress === undefined ? {} : { localAddress: this.#options.localAddress }),
    });
    this.#socket = socket;
    const away = this.#expect('turned_away');
    let why: WireFault | undefined;
    void away.message.then(({ fault }) => {
      why = fault;
    });
    this.#ended = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        if (this.#socket === socket) {
          clearInterval(this.#beat);
          this.#isWelcomed = false;
        }
        away.forget();
        for (const request of this.#requests.values()) request.abort();
        this.#requests.clear();
        resolve({ code, reason: reason.toString(), fault: why });
        this.#wake();
      });
    });
    socket.on('error', () => undefined); // `close` follows
    socket.on('message', (data: Buffer) => this.#receive(data.toString('utf8')));
    return socket;
  }

  /** Resolves when the present connection is gone. */
  get ended(): Promise<Ending> {
    if (this.#ended === undefined) throw new Error('never connected');
    return this.#ended;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  openMessage(): Extract<FromAgent, { type: 'open' }> {
    const { oldest, newest } = this.#options.levels ?? { oldest: OLDEST_LEVEL, newest: LEVEL };
    return { type: 'open', oldest, newest, nonce: systemIds.secret(''), publicKey: this.key.publicKey };
  }

  helloMessage(open: Extract<FromAgent, { type: 'open' }>, challenge: Of<'challenge'>) {
    const { facts, capabilities, agentVersion, tamper } = this.#options;
    const ordinary = ordinaryAgent();
    const hello: Extract<FromAgent, { type: 'hello' }> = {
      type: 'hello',
      ...(this.serverId === undefined ? {} : { serverId: this.serverId }),
      ...(this.#token === undefined ? {} : { enrolmentToken: this.#token }),
      signature: signValue('link-hello', linkProof(open, challenge), this.key.seed),
      agentVersion: agentVersion ?? ordinary.agentVersion,
      clock: this.#now(),
      facts: { ...ordinary.facts, ...facts },
      capabilities: [...(capabilities ?? ordinary.capabilities)],
      policy: this.trust.policy,
      journalHead: null,
      witnessKey: this.trust.key?.publicKey ?? null,
      witnessed: this.trust.newest,
    };
    return tamper ? tamper(hello) : hello;
  }

  send(message: FromAgent): void {
    this.sendRaw(encode(message));
  }

  /** Sends a frame as it is, valid or not. */
  sendRaw(frame: string | Uint8Array): void {
    this.#socket?.send(frame);
  }

  /** Puts a report into the outbox and sends it; it stays there until it is acknowledged. Returns its number. */
  report(report: Report): number {
    const numbered = { ...report, seq: this.#nextSeq } as Reported;
    this.#nextSeq += 1;
    this.#outbox.push(numbered);
    if (this.#isWelcomed && this.isOpen) this.send(numbered);
    return numbered.seq;
  }

  alert(alert: Partial<AgentAlert> = {}): number {
    const usual = {
      kind: 'disk',
      key: '/',
      state: 'firing',
      severity: 'warning',
      title: 'Disk / is 95 % full',
    } as const;
    return this.report({ type: 'alert', alert: { ...usual, at: this.#now(), ...alert } });
  }

  heartbeat(sample: Partial<StatusSample> = {}): void {
    this.send({ type: 'heartbeat', clock: this.#now(), sample: { ...ordinarySample(this.#now()), ...sample } });
  }

  /** How many reports wait for their acknowledgement. */
  get unacknowledged() {
    return this.#outbox.length;
  }

  /** Resolves when the control plane says that everything up to this report is stored. */
  async acknowledged(seq: number): Promise<void> {
    while (this.#acknowledged < seq) await this.#woken();
  }

  /** Resolves with the next message of a type. Ask before what causes it. */
  async next<T extends FromControlPlane['type']>(
    type: T,
    fits: (message: Of<T>) => boolean = () => true,
  ): Promise<Of<T>> {
    return this.#expect(type, fits).message;
  }

  /** Reads nothing any more, not even pings, as a machine that fell off the net. */
  hold(): void {
    this.#socket?.pause();
  }
  /** Reads again. */
  release(): void {
    this.#socket?.resume();
  }
  /** Bytes that it sent and that nobody has read yet. */
  get unsent() {
    return this.#socket?.bufferedAmount ?? 0;
  }
  /** Calls `then` when the control plane asks for a sign of life; the answer goes out by itself. */
  onPing(then: () => void): void {
    this.#socket?.once('ping', () => then());
  }

  /** Ends the connection without a word. */
  drop(): void {
    this.#socket?.terminate();
  }
  /** Ends the connection properly. */
  async close(): Promise<void> {
    if (this.#socket === undefined || this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.resume();
    this.#socket.close(1000);
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    if (this.#ended) await this.#ended;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #checkControlPlane(open: Extract<FromAgent, { type: 'open' }>, challenge: Of<'challenge'>): void {
    const { controlPlaneKey } = this.#options;
    const genuine =
      (controlPlaneKey === undefined || controlPlaneKey === challenge.key) &&
      verifyValue('control-plane-hello', controlPlaneProof(open, challenge), challenge.signature, challenge.key);
    if (!genuine) throw new Error('the control plane could not prove itself');
    this.#pinned ??= challenge.key;
  }

  #welcomed(welcome: Of<'welcome'>): Of<'welcome'> {
    this.serverId = welcome.serverId;
    this.#token = undefined;
    this.#isWelcomed = this.isOpen;
    clearInterval(this.#beat);
    for (const report of this.#outbox) this.send(report);
    if (this.#options.heartbeats && this.isOpen)
      this.#beat = setInterval(() => this.heartbeat(), welcome.heartbeatMs).unref();
    return welcome;
  }

  #receive(frame: string): void {
    const decoded = decodeFromControlPlane(frame);
    if (decoded.outcome !== 'ok') throw new Error(`the control plane sent ${JSON.stringify(decoded)}`);
    const { message } = decoded;
    if (this.#options.remembers !== false) this.received.push(message);
    this.#answer(message);
    for (const take of this.#expected) take(message);
    this.#wake();
  }

  #answer(message: FromControlPlane): void {
    if (message.type === 'observe') {
      const answer = this.#options.onObserve ?? (({ capability }) => ordinaryReport(capability));
      void this.#reply(message.requestId, async (signal) => {
        const result = (await answer(message, signal)) as never;
        return { type: 'observed', requestId: message.requestId, result };
      });
    } else if (message.type === 'preview') {
      const answer = this.#options.onPreview ?? (() => ({ steps: [], witness: [], predictable: true }));
      void this.#reply(message.requestId, async (signal) => {
        const preview = await answer(message.draft, signal);
        return { type: 'previewed', requestId: message.requestId, preview };
      });
    } else if (message.type === 'cancel') this.#requests.get(message.requestId)?.abort();
    else if (message.type === 'dispatch') this.#options.onDispatch?.(message.grant, this);
    else if (message.type === 'stop') this.#options.onStop?.(message.actionId, this);
    else if (message.type === 'settings') this.#options.onSettings?.(message);
    else if (message.type === 'confirm') this.#options.onConfirm?.(message, this);
    else if (message.type === 'lock_changes') this.send({ type: 'policy', policy: this.trust.follow(message.changes) });
    else if (message.type === 'checkpoint') this.#witness(message.note);
    else if (message.type === 'ask_witness') this.#tellWitness(message.requestId);
    else if (message.type === 'acknowledge') {
      this.#acknowledged = message.seq;
      this.#outbox = this.#outbox.filter(({ seq }) => seq > message.seq);
    }
  }

  #witness(note: string): void {
    const answer = this.trust.keep(note, this.serverId ?? '', this.#pinned ?? '');
    if (answer !== null) this.send(answer);
  }

  #tellWitness(requestId: string): void {
    const { journal, tamperWitness } = this.#options;
    void this.#reply(requestId, async () => {
      const witness = this.trust.statement(this.serverId ?? '', this.#now(), journal?.() ?? {}, tamperWitness);
      if (witness === null) throw new Fault('capability_failed', { capability: 'witness', reason: 'no runner' });
      return { type: 'witness', requestId, witness };
    });
  }

  async #reply(requestId: string, work: (signal: AbortSignal) => Promise<FromAgent>): Promise<void> {
    const abort = new AbortController();
    this.#requests.set(requestId, abort);
    try {
      const answer = await work(abort.signal);
      if (!abort.signal.aborted) this.send(answer);
    } catch (error) {
      if (abort.signal.aborted) return;
      const reported: Pick<Fault, 'code' | 'slots'> =
        error instanceof Fault ? error : { code: 'internal', slots: { reference: String(error) } };
      this.send({ type: 'request_failed', requestId, fault: { code: reported.code, slots: { ...reported.slots } } });
    } finally {
      this.#requests.delete(requestId);
    }
  }

  /** Waits for a message. Whoever gives up forgets it. */
  #expect<T extends FromControlPlane['type']>(type: T, fits: (message: Of<T>) => boolean = () => true) {
    const { promise, resolve } = Promise.withResolvers<Of<T>>();
    const forget = () => void this.#expected.delete(take);
    const take = (message: FromControlPlane) => {
      if (message.type !== type || !fits(message as Of<T>)) return;
      forget();
      resolve(message as Of<T>);
    };
    this.#expected.add(take);
    return { message: promise, forget };
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** The runner's key of this identity: who comes back with the same link key has the same runner. */
function runnerKeyOf({ seed }: SigningKey): SigningKey {
  const own = createHash('sha256').update(`runner ${seed}`).digest('base64url');
  return { publicKey: publicKeyOf(own), seed: own };
}
