/**
 * One connection from its first byte: the handshake, then frames for the session. A named state, one way in for frames, and
 * whatever is wrong ends this connection with a reason and no other (fault F16).
 */
import { type Cancel, Fault, fault } from '@countersign/protocol';
import { decodeFromAgent } from '@countersign/protocol/agent-wire/codec';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { remember } from '@countersign/protocol/remember';
import type { SigningKey } from '@countersign/protocol/signing';
import { failPoint } from '../fail-points.ts';
import type { Core } from '../ports.ts';
import { Allowance } from './allowance.ts';
import { type Challenge, challengeFor, checkProof, type Hello, type Open } from './handshake.ts';
import { identify } from './identify.ts';
import { keepHello } from './keep-hello.ts';
import type { FleetLimits } from './limits.ts';
import type { FleetRegistry } from './registry.ts';
import type { ServerRow } from './server.store.ts';
import { AgentSession } from './session.ts';
import type { SessionEvents } from './session-events.ts';
import type { CloseCode, Wire } from './wire.ts';
import type { Witnesses } from './witnesses.ts';

export interface ConnectionDeps extends Core {
  readonly key: SigningKey;
  readonly limits: FleetLimits;
  readonly registry: FleetRegistry;
  readonly events: SessionEvents;
  readonly witnesses: Pick<Witnesses, 'helloKept'>;
  readonly refusals: {
    /** An agent was turned away. Never rejects. */
    take(refusal: Refusal): Promise<void>;
    /** A server got a new key. */
    enrolledAnew(serverId: string): void;
  };
}

export interface Refusal {
  readonly why: Fault;
  readonly ip: string;
  readonly publicKey: string;
  readonly serverId: string | undefined;
}

type State =
  | { readonly name: 'opening' }
  | { readonly name: 'proving'; readonly open: Open; readonly challenge: Challenge }
  | { readonly name: 'admitting' }
  | { readonly name: 'working'; readonly session: AgentSession }
  | { readonly name: 'over' };

const closeCodeOf: Partial<Record<Fault['code'], CloseCode>> = {
  level_unsupported: 'level_unsupported',
  frame_invalid: 'frame_invalid',
  server_revoked: 'revoked',
  agent_duplicate: 'duplicate',
  rate_limited: 'busy',
};

export class AgentConnection {
  readonly #deps: ConnectionDeps;
  readonly #wire: Wire;
  readonly #allowance: Allowance;
  #state: State = { name: 'opening' };
  #cancelTimer: Cancel | undefined;
  #slowed: Cancel | undefined;
  #unprovenDone: ((isProven: boolean) => void) | undefined;

  /** `unprovenDone` is called once, when the agent has proven itself or is gone without. */
  constructor(deps: ConnectionDeps, wire: Wire, unprovenDone: (isProven: boolean) => void) {
    this.#deps = deps;
    this.#wire = wire;
    this.#unprovenDone = unprovenDone;
    this.#allowance = new Allowance(deps.clock, deps.limits);
    this.#cancelTimer = deps.clock.after(deps.limits.handshakeMs, () =>
      wire.close('too_slow', `no proven hello within ${deps.limits.handshakeMs / 1000} s`),
    );
  }

  /** Whether it is past its handshake. */
  get isWorking(): boolean {
    return this.#state.name === 'working';
  }

  /** Takes one text frame. */
  frame(text: string): void {
    this.#slowDown(text.length);
    const state = this.#state;
    if (state.name === 'working') {
      state.session.heard();
      state.session.receive(text);
    } else if (state.name !== 'over') this.#handshake(state, text);
  }

  /** A ping came. */
  heard(): void {
    this.#slowDown(0);
    if (this.#state.name === 'working') this.#state.session.heard();
  }

  /** The answer to a ping came. */
  ponged(word: string): void {
    this.#slowDown(0);
    if (this.#state.name === 'working') this.#state.session.ponged(word);
  }

  /** The socket is closed. */
  closed(): void {
    const state = this.#state;
    this.#state = { name: 'over' };
    this.#stopTimer();
    this.#slowed?.();
    this.#endUnproven(false);
    if (state.name === 'working') this.#deps.registry.remove(state.session);
  }

  #handshake(state: Exclude<State, { name: 'working' | 'over' }>, text: string): void {
    if (text.length > this.#deps.limits.unprovenFrameBytes) {
      this.#wire.close('too_large', 'a frame before the welcome is too large');
      return;
    }
    const decoded = decodeFromAgent(text);
    if (decoded.outcome !== 'ok') {
      const problems = decoded.outcome === 'invalid' ? decoded.problems : `unknown type ${decoded.type}`;
      this.#refuse(fault('frame_invalid', { problems }));
      return;
    }
    const { message } = decoded;
    if (state.name === 'opening' && message.type === 'open') this.#challenge(message);
    else if (state.name === 'proving' && message.type === 'hello') {
      this.#state = { name: 'admitting' };
      void this.#admit(state.open, state.challenge, message);
    } else this.#refuse(fault('frame_invalid', { problems: `${message.type} came before the welcome` }));
  }

  #challenge(open: Open): void {
    try {
      const challenge = challengeFor(open, this.#deps.key, this.#deps.ids);
      this.#state = { name: 'proving', open, challenge };
      this.#wire.send(challenge);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#refuse(error);
    }
  }

  async #admit(open: Open, challenge: Challenge, hello: Hello): Promise<void> {
    const clockOffsetMs = hello.clock - this.#deps.clock.now();
    this.#stopTimer();
    let serverId = hello.serverId;
    try {
      checkProof(open, challenge, hello);
      const { ip } = this.#wire;
      const { server, enrolledNow } = await identify(this.#deps, { hello, publicKey: open.publicKey, ip });
      serverId = server.id;
      if (this.#state.name !== 'admitting') return;
      this.#endUnproven(true);
      if (enrolledNow) this.#deps.refusals.enrolledAnew(serverId);
      const session = new AgentSession(this.#deps, this.#wire, sessionOf(server, open, hello), clockOffsetMs);
      const arrival = { server, hello, clockOffsetMs, level: challenge.level, ip };
      await this.#deps.registry.admit(session, {
        replace: enrolledNow,
        stays: hello.enrolsOnly !== true,
        prepare: () => keepHello(this.#deps, arrival),
        welcome: () => this.#welcome(session, server),
      });
    } catch (error) {
      await this.#turnAway(error, { ip: this.#wire.ip, publicKey: open.publicKey, serverId });
    }
  }

  #welcome(session: AgentSession, server: ServerRow): void {
    const { clock, events, limits } = this.#deps;
    this.#state = { name: 'working', session };
    events.alive(server.id, session.clockOffsetMs);
    failPoint('fleet.welcome.before_send');
    this.#wire.send({
      type: 'welcome',
      serverId: server.id,
      serverName: server.name,
      clock: clock.now(),
      heartbeatMs: limits.heartbeatMs,
      thresholds: thresholdsSchema.parse(JSON.parse(server.thresholds_json)),
    });
    failPoint('fleet.welcome.after_send');
  }

  async #turnAway(error: unknown, of: Omit<Refusal, 'why'>): Promise<void> {
    if (!(error instanceof Fault) || error.code === 'storage_busy') {
      this.#deps.log.error('agent.not_admitted', { error: String(error) });
      this.#wire.close('internal', 'something went wrong on our side; come back in a moment');
      return;
    }
    this.#refuse(error);
    await this.#deps.refusals.take({ why: error, ...of });
  }

  #refuse(why: Fault): void {
    this.#deps.log.info('agent.turned_away', { ip: this.#wire.ip, code: why.code });
    this.#wire.send({ type: 'turned_away', fault: { code: why.code, slots: { ...why.slots } } });
    this.#wire.close(closeCodeOf[why.code] ?? 'unproven', why.message);
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #endUnproven(isProven: boolean): void {
    this.#unprovenDone?.(isProven);
    this.#unprovenDone = undefined;
  }

  /** Beyond its allowance an agent is read more slowly: the flood waits on its side (threat T13). */
  #slowDown(bytes: number): void {
    const waitMs = this.#allowance.spend(bytes);
    if (waitMs === 0 || this.#slowed !== undefined) return;
    this.#wire.pause();
    this.#slowed = this.#deps.clock.after(waitMs, () => {
      this.#slowed = undefined;
      this.#wire.resume();
    });
  }
}

function sessionOf(server: ServerRow, open: Open, hello: Hello) {
  return {
    serverId: server.id,
    serverName: server.name,
    publicKey: open.publicKey,
    capabilities: sameSet(hello.capabilities),
  };
}

/** Agents of one version have the same capabilities: one set for all of them, since twenty thousand would weigh. */
const knownSets = new Map<string, ReadonlySet<string>>();
const SETS_KEPT = 200;

function sameSet(capabilities: readonly string[]): ReadonlySet<string> {
  const key = capabilities.join('\n');
  return remember(knownSets, SETS_KEPT, key, () => new Set(capabilities));
}
