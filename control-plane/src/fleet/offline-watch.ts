/** Raises an alert for a server that has been away for longer than its threshold, and resolves it when it is back. */
import { type Cancel, isoTime } from '@countersign/protocol';
import { type Thresholds, thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { ConditionAlert, type ConditionDeps } from './condition-alert.ts';
import type { FleetFollower, FleetRegistry } from './registry.ts';
import { repeat } from './repeat.ts';
import { serverById, watchedServers } from './server.store.ts';

const SWEEP_MS = 1000;

interface Away {
  /** When it was heard of last, milliseconds since 1970; for people. */
  readonly since: number;
  /** The same moment, or that of our own start, on the monotonic clock; for counting. */
  readonly countedFrom: number;
}

export class OfflineWatch implements FleetFollower {
  readonly #core: ConditionDeps;
  readonly #alert: ConditionAlert;
  readonly #away = new Map<string, Away>();
  readonly #thresholds = new Map<string, number>();
  #stop: Cancel | undefined;

  constructor(core: ConditionDeps) {
    this.#core = core;
    this.#alert = new ConditionAlert(core, {
      kind: 'offline',
      severity: 'critical',
      begins: '{server} is offline',
      ends: '{server} is back online',
    });
  }

  /**
   * Begins to watch. At our own start all are away; they are counted from now on, because nobody could have reached us while
   * we were not there.
   */
  async start(registry: FleetRegistry): Promise<void> {
    registry.follow(this);
    await this.#alert.load();
    const { db, clock } = this.#core;
    const thresholds = new Map<string, Thresholds>(); // by their text: most servers have the same
    for (const server of await watchedServers(db)) {
      const text = server.thresholds_json;
      const known = thresholds.get(text) ?? thresholdsSchema.parse(JSON.parse(text));
      thresholds.set(text, known);
      this.setThresholds(server.id, known);
      if (!registry.isOnline(server.id))
        this.#away.set(server.id, {
          since: server.last_seen_at ?? clock.now(),
          countedFrom: clock.monotonic(),
        });
    }
    this.#stop = repeat(clock, SWEEP_MS, () => this.sweep());
  }

  connected(serverId: string): void {
    this.#away.delete(serverId);
    this.#alert.set(serverId, false);
  }

  disconnected(serverId: string, at: number): void {
    this.#away.set(serverId, { since: at, countedFrom: this.#core.clock.monotonic() });
  }

  /** Another threshold holds from now on. */
  setThresholds(serverId: string, { offlineSeconds }: Pick<Thresholds, 'offlineSeconds'>): void {
    this.#thresholds.set(serverId, offlineSeconds * 1000);
  }

  /** A server that was removed is nobody's loss. */
  forget(serverId: string): void {
    this.#away.delete(serverId);
    this.#thresholds.delete(serverId);
  }

  async sweep(): Promise<void> {
    const now = this.#core.clock.monotonic();
    for (const [serverId, away] of this.#away) {
      const thresholdMs = this.#thresholds.get(serverId) ?? (await this.#loadThreshold(serverId));
      if (now - away.countedFrom < thresholdMs || this.#away.get(serverId) !== away) continue;
      const { since } = away;
      this.#alert.set(serverId, true, { since, detail: ` since ${isoTime(since)}` });
    }
    await this.#alert.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    await this.#alert.settled();
  }

  async #loadThreshold(serverId: string): Promise<number> {
    const server = await serverById(this.#core.db, serverId);
    const thresholds = thresholdsSchema.parse(JSON.parse(server?.thresholds_json ?? '{}'));
    this.setThresholds(serverId, thresholds);
    return thresholds.offlineSeconds * 1000;
  }
}
