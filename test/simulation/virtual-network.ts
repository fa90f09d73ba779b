/**
 * A network between agents and the control plane: frames take a while and keep their order, as on TCP; a connection can fall
 * silent without anybody being told (half-open), end at one side only, or be refused. Source: threats.md, F7.
 */

import type { Wire as LinkWire, WireListener } from '@countersign/agent/link/dial';
import type { Wire as ControlPlaneWire, closeCodes } from '@countersign/control-plane/fleet/wire';
import { encode } from '@countersign/protocol/agent-wire/codec';
import type { Chance } from './chance.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The side of the control plane: what takes a connection's frames. */
export interface Answering {
  frame(text: string): void;
  heard(): void;
  ponged(word: string): void;
  closed(): void;
}

type Sent = { readonly kind: 'frame' | 'ping' | 'pong'; readonly text: string } | { readonly kind: 'bye' };

const KERNEL_SAYS_MS = 50;
/** Two frames of one direction never arrive at the same moment: chance would decide which is first. */
const IN_ORDER_MS = 0.001;

/** One direction of a connection: in order, each after its latency. */
class Direction {
  readonly #connection: Connection;
  #last = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  send(sent: Sent, arrive: (sent: Sent) => void): void {
    const { time, chance, weather } = this.#connection.network;
    this.#last = Math.max(this.#last + IN_ORDER_MS, time.now + chance.between(1, weather.latencyMs));
    time.after(this.#last - time.now, () => this.#connection.carries && arrive(sent));
  }
}

export class Connection {
  readonly network: VirtualNetwork;
  readonly agent: SimulatedProcess;
  /** Whether anything still gets through. */
  carries = true;
  readonly link: LinkSide;
  readonly plane: PlaneSide;

  constructor(network: VirtualNetwork, agent: SimulatedProcess, plane: SimulatedProcess) {
    this.network = network;
    this.agent = agent;
    this.plane = new PlaneSide(this, plane, new Direction(this));
    this.link = new LinkSide(this, agent, new Direction(this));
    // The kernel of a dead process ends its connections, unless the machine is gone with it.
    agent.atDeath(() => network.time.after(KERNEL_SAYS_MS, () => this.carries && this.plane.end()));
    plane.atDeath(() => network.time.after(KERNEL_SAYS_MS, () => this.carries && this.link.end('reset')));
  }

  /** Nothing gets through any more, and nobody is told. */
  silence(): void {
    this.carries = false;
  }

  /** Both ends learn that it is over. */
  reset(): void {
    this.link.end('reset by the network');
    this.plane.end();
    this.carries = false;
  }
}

export class LinkSide implements LinkWire {
  readonly #connection: Connection;
  readonly #process: SimulatedProcess;
  readonly #out: Direction;
  #listener: WireListener | null = null;
  #held: string[] = [];
  #ended: string | undefined;

  constructor(connection: Connection, process: SimulatedProcess, out: Direction) {
    this.#connection = connection;
    this.#process = process;
    this.#out = out;
  }

  get isOpen(): boolean {
    return this.#process.alive && this.#ended === undefined;
  }

  get waiting(): number {
    return 0;
  }

  send(frame: string, sent?: () => void): void {
    if (!this.isOpen) return;
    this.#process.reach('send');
    this.#connection.network.onFrame(frame);
    this.#out.send({ kind: 'frame', text: frame }, (it) => this.#connection.plane.arrive(it));
    sent?.();
  }

  ping(): void {
    if (this.isOpen) this.#out.send({ kind: 'ping', text: '' }, (it) => this.#connection.plane.arrive(it));
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#out.send({ kind: 'bye' }, (it) => this.#connection.plane.arrive(it));
    this.end(`closed with ${code}: ${reason}`);
  }

  cut(): void {
    this.close(1006, 'cut');
  }

  listen(listener: WireListener | null): void {
    this.#listener = listener;
    while (this.#listener !== null && this.#held.length > 0) this.#listener.onFrame(this.#held.shift() ?? '');
    if (this.#ended !== undefined) this.#listener?.onClose(this.#ended);
  }

  arrive(sent: Sent): void {
    if (!this.isOpen) return;
    if (sent.kind === 'bye') this.end('closed by the control plane');
    if (sent.kind === 'ping')
      this.#out.send({ kind: 'pong', text: sent.text }, (it) => this.#connection.plane.arrive(it));
    if (sent.kind === 'frame' && this.#listener === null) this.#held.push(sent.text);
    if (this.isOpen) this.#listener?.onLife();
    if (sent.kind === 'frame') this.#listener?.onFrame(sent.text);
  }

  /** The connection is over as far as this side knows. */
  end(why: string): void {
    if (this.#ended !== undefined || !this.#process.alive) return;
    this.#ended = why;
    this.#connection.network.time.after(0, () => this.#process.alive && this.#listener?.onClose(why));
  }
}

export class PlaneSide implements ControlPlaneWire {
  readonly ip = '192.0.2.1';
  readonly #connection: Connection;
  readonly #process: SimulatedProcess;
  readonly #out: Direction;
  #answering: Answering | undefined;
  #ended = false;
  #pauses = 0;
  #unread: Sent[] = [];

  constructor(connection: Connection, process: SimulatedProcess, out: Direction) {
    this.#connection = connection;
    this.#process = process;
    this.#out = out;
  }

  answerWith(answering: Answering): void {
    this.#answering = answering;
  }

  get isOpen(): boolean {
    return this.#process.alive && !this.#ended;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  send(message: Parameters<ControlPlaneWire['send']>[0]): void {
    const text = encode(message);
    if (!this.isOpen) return;
    this.#process.reach('send');
    this.#out.send({ kind: 'frame', text }, (it) => this.#connection.link.arrive(it));
  }

  ping(word = ''): void {
    if (this.isOpen) this.#out.send({ kind: 'ping', text: word }, (it) => this.#connection.link.arrive(it));
  }

  close(_code: keyof typeof closeCodes, _reason: string): void {
    if (!this.isOpen) return;
    this.#out.send({ kind: 'bye' }, (it) => this.#connection.link.arrive(it));
    this.end();
  }

  cut(): void {
    this.close('internal', 'cut');
  }

  pause(): void {
    this.#pauses += 1;
  }

  resume(): void {
    this.#pauses = Math.max(0, this.#pauses - 1);
    while (this.#pauses === 0 && this.#unread.length > 0) this.arrive(this.#unread.shift() as Sent);
  }

  arrive(sent: Sent): void {
    if (!this.isOpen) return;
    if (this.isPaused) {
      this.#unread.push(sent);
      return;
    }
    if (sent.kind === 'bye') this.end();
    if (sent.kind === 'ping')
      this.#out.send({ kind: 'pong', text: sent.text }, (it) => this.#connection.link.arrive(it));
    if (sent.kind === 'frame') this.#answering?.frame(sent.text);
    else if (sent.kind === 'pong') this.#answering?.ponged(sent.text);
    else if (sent.kind === 'ping') this.#answering?.heard();
  }

  end(): void {
    if (this.#ended || !this.#process.alive) return;
    this.#ended = true;
    this.#connection.network.time.after(0, () => this.#process.alive && this.#answering?.closed());
  }
}

export class VirtualNetwork {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** How long a frame takes at most, and how often a dial gets no answer. */
  weather = { latencyMs: 40, refused: 0 };
  /** Is shown every frame of an agent as it leaves. */
  onFrame: (text: string) => void = () => undefined;
  readonly #connections = new Set<Connection>();
  #listening: { readonly process: SimulatedProcess; readonly take: (wire: PlaneSide) => Answering } | undefined;

  constructor(time: VirtualTime, chance: Chance) {
    this.time = time;
    this.chance = chance;
  }

  /** A control plane listens, until its process ends. */
  listen(process: SimulatedProcess, take: (wire: PlaneSide) => Answering): void {
    this.#listening = { process, take };
  }

  /** Rejects when nobody listens or the weather is bad. */
  async dial(agent: SimulatedProcess): Promise<LinkSide> {
    await new Promise<void>((resolve) => this.time.after(this.chance.between(1, this.weather.latencyMs), resolve));
    await agent.pass('dial');
    const listening = this.#listening;
    if (!listening?.process.alive || this.chance.happens(this.weather.refused)) throw new Error('connection refused');
    for (const connection of this.#connections) if (!connection.carries) this.#connections.delete(connection);
    const made = new Connection(this, agent, listening.process);
    this.#connections.add(made);
    made.plane.answerWith(listening.take(made.plane));
    return made.link;
  }

  /** Connections of a process that still carry something. */
  connectionsThat(test: (connection: Connection) => boolean): Connection[] {
    return [...this.#connections].filter((connection) => connection.carries && test(connection));
  }
}
