/** The servers that are connected now, one session each: the `Fleet` that use cases see. */
import {
  type ApproverSignature,
  type Cancel,
  fault,
  isoTime,
  type ObservationId,
  type ParametersOf,
  type PlanDraft,
  type Preview,
  type ResultOf,
  type SignedGrant,
  type SignedLockChange,
  type SignedWitness,
} from '@countersign/protocol';
import type { Thresholds } from '@countersign/protocol/agent-wire/facts';
import type { Core, Fleet } from '../ports.ts';
import type { FleetLimits } from './limits.ts';
import { repeat } from './repeat.ts';
import { serverById } from './server.store.ts';
import type { AgentSession } from './session.ts';

/** Is told when servers come and go. Never throws. */
export interface FleetFollower {
  connected(serverId: string): void;
  /** `at`: milliseconds since 1970. */
  disconnected(serverId: string, at: number): void;
}

type Deps = Pick<Core, 'db' | 'clock' | 'log' | 'live'> & {
  readonly limits: FleetLimits;
  /** When a server was heard of last, where that is newer than what is stored. */
  readonly seenAt: (serverId: string) => number | undefined;
};

/** Above this a server's clock is wrong enough that expiries mean nothing to it (design.md, section 5). */
export const CLOCK_OFFSET_MAX_MS = 60_000;
const PREVIEW_MS = 20_000;
const WITNESS_MS = 15_000;

export class FleetRegistry implements Fleet {
  readonly #deps: Deps;
  readonly #sessions = new Map<string, AgentSession>();
  /** Per server, the end of the line of those who want to connect: two of one server never overtake each other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #followers: FleetFollower[] = [];
  /** Sessions that are over, but of which something is being stored. */
  readonly #ending = new Set<Promise<void>>();
  #stopSweep: Cancel | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Begins to look for links that fell silent. */
  start(): void {
    this.#stopSweep = repeat(this.#deps.clock, this.#deps.limits.sweepMs, () => this.sweep());
  }

  follow(follower: FleetFollower): void {
    this.#followers.push(follower);
  }

  get onlineIds(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  isOnline(serverId: string): boolean {
    return this.#sessions.has(serverId);
  }

  /** Clock of the server minus ours, milliseconds; only while it is connected. */
  clockOffsetMs(serverId: string): number | undefined {
    return this.#sessions.get(serverId)?.clockOffsetMs;
  }

  async observe<C extends ObservationId>(
    serverId: string,
    capability: C,
    parameters: ParametersOf<C>,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<ResultOf<C>> {
    return (await this.#connected(serverId)).observe(capability, parameters, options);
  }

  async preview(serverId: string, draft: PlanDraft, signal?: AbortSignal): Promise<Preview> {
    return (await this.#connected(serverId)).preview(draft, PREVIEW_MS, signal);
  }

  foretell(serverId: string, draft: PlanDraft): Preview | null {
    return this.#sessions.get(serverId)?.foretell(draft) ?? null;
  }

  async dispatch(serverId: string, grant: SignedGrant): Promise<void> {
    const session = await this.#connected(serverId);
    if (Math.abs(session.clockOffsetMs) > CLOCK_OFFSET_MAX_MS)
      throw fault('clock_skew', {
        server: session.serverName,
        seconds: Math.round(Math.abs(session.clockOffsetMs) / 1000),
      });
    session.dispatch(grant);
  }

  async stop(serverId: string, actionId: string): Promise<void> {
    this.#sessions.get(serverId)?.stop(actionId);
  }

  async confirm(serverId: string, actionId: string, signatures: readonly ApproverSignature[]): Promise<void> {
    (await this.#connected(serverId)).confirm(actionId, signatures);
  }

  async askWitness(serverId: string): Promise<SignedWitness> {
    return (await this.#connected(serverId)).askWitness(WITNESS_MS);
  }

  disconnect(serverId: string): void {
    const session = this.#sessions.get(serverId);
    session?.turnAway('revoked', fault('server_revoked', { server: session.serverName }));
  }

  /** The next three tell a server that is connected; another hears of it when it comes back. */
  sendLockChanges(serverId: string, changes: readonly SignedLockChange[]): void {
    this.#sessions.get(serverId)?.sendLockChanges(changes);
  }

  sendCheckpoint(serverId: string, note: string): void {
    this.#sessions.get(serverId)?.sendCheckpoint(note);
  }

  sendThresholds(serverId: string, thresholds: Thresholds): void {
    this.#sessions.get(serverId)?.sendThresholds(thresholds);
  }

  /**
   * Lets a proven agent in, one at a time per server. When an older link of the same server is there, it is asked for a sign of
   * life: if it gives one, rejects with `agent_duplicate`; if not, it is dead and replaced. `replace`: the older one goes
   * in any case, because the newer one has just been enrolled. `welcome` is called right before the agent counts as
   * connected; nothing else can be sent before what it sends. One that only enrols (`stays: false`) is welcomed and never connected. Returns false when the newcomer hung up meanwhile.
   */
  admit(
    session: AgentSession,
    options: { replace: boolean; stays: boolean; prepare: () => Promise<void>; welcome: () => void },
  ) {
    return this.#inTurn(session.serverId, async () => {
      const older = this.#sessions.get(session.serverId);
      if (older !== undefined) await this.#makeRoom(older, session, options.replace);
      await options.prepare();
      if (!session.isOpen) return false;
      options.welcome();
      if (!options.stays) return true;
      this.#sessions.set(session.serverId, session);
      this.#deps.live.publish({ type: 'server', id: session.serverId });
      for (const follower of this.#followers) follower.connected(session.serverId);
      return true;
    });
  }

  /** The connection of a session is gone. */
  remove(session: AgentSession): void {
    const at = this.#deps.clock.now();
    const ending = session.ended(at).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    if (this.#sessions.get(session.serverId) !== session) return; // replaced already
    this.#sessions.delete(session.serverId);
    this.#deps.live.publish({ type: 'server', id: session.serverId });
    for (const follower of this.#followers) follower.disconnected(session.serverId, at);
  }

  /** Asks silent links for a sign of life and cuts those that give none (fault F7: half-open links). */
  sweep(): void {
    const { clock, limits, log } = this.#deps;
    const now = clock.monotonic();
    for (const session of this.#sessions.values()) {
      const silentMs = now - session.heardAt;
      if (session.isPaused) session.heard();
      else if (silentMs >= limits.deadAfterMs) {
        log.info('agent.silent', { server: session.serverId, silent_ms: Math.round(silentMs) });
        session.cut();
      } else if (silentMs >= limits.pingAfterMs && !session.asked) session.ping();
    }
  }

  /** Waits for what connections that ended left to be stored. Close the app first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopSweep?.();
    await Promise.all(this.#ending);
  }

  async #makeRoom(older: AgentSession, newer: AgentSession, replace: boolean): Promise<void> {
    const { limits, log } = this.#deps;
    if (replace || older.publicKey !== newer.publicKey) {
      older.turnAway('replaced', fault('agent_unproven', { reason: 'the server was enrolled anew' }));
    } else {
      if (await older.answersWithin(limits.probeMs)) throw fault('agent_duplicate', { server: newer.serverName });
      log.info('agent.replaced', { server: older.serverId });
      older.cut();
    }
    this.remove(older);
  }

  async #connected(serverId: string): Promise<AgentSession> {
    const session = this.#sessions.get(serverId);
    if (session?.isOpen) return session;
    const server = await serverById(this.#deps.db, serverId);
    if (server === undefined) throw fault('server_not_found', { server: serverId });
    if (server.state === 'revoked') throw fault('server_revoked', { server: server.name });
    const seenAt = this.#deps.seenAt(serverId) ?? server.last_seen_at;
    const since = seenAt === null ? 'it was added (no agent has connected yet)' : isoTime(seenAt);
    throw fault('server_offline', { server: server.name, since });
  }

  async #inTurn<T>(serverId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(serverId) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(serverId, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(serverId) === mine) this.#turns.delete(serverId);
    }
  }
}
