/**
 * Hands changes of the lock to the servers that lack them: when one connects or tells its policy, when the lock changes, and
 * in a sweep. A server checks each change from its own pin, so handing on too much, or twice, does no harm.
 */
import { type Cancel, delay } from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import type { SignedLockChange } from '@countersign/protocol/lock';
import { failPoint } from '../fail-points.ts';
import { type KeptState, keptStates } from '../lock/lock.store.ts';
import { standingOf } from '../lock/lock-chain.ts';
import { toldPolicy } from '../lock/lock-view.ts';
import type { Core } from '../ports.ts';
import type { FleetFollower, FleetRegistry } from './registry.ts';
import { repeat } from './repeat.ts';
import { policiesOfServers, serverById } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'log'> & {
  readonly registry: Pick<FleetRegistry, 'isOnline' | 'sendLockChanges'>;
};

const SWEEP_MS = 60_000;
/** A frame takes so many changes, and so many characters of them; the rest follows when the server tells how far it came. */
const CHANGES_AT_ONCE = 100;
const CHARACTERS_AT_ONCE = 512 * 1024;
const SERVERS_AT_ONCE = 200;
const PAUSE_MS = 20;

export class LockHandout implements FleetFollower {
  readonly #deps: Deps;
  #kept: Promise<readonly KeptState[]> | undefined;
  /** Per server, the number of the state for which changes were sent last: without progress only the sweep sends again. */
  readonly #sentFor = new Map<string, number | null>();
  readonly #working = new Set<Promise<void>>();
  #stop: Cancel | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stop = repeat(this.#deps.clock, SWEEP_MS, () => this.sweep());
  }

  connected(serverId: string): void {
    this.#sentFor.delete(serverId);
    this.#run(async () => {
      if ((await this.#states()).length === 0) return;
      const server = await serverById(this.#deps.db, serverId);
      await this.#handOn(serverId, toldPolicy(server?.policy_json ?? null));
    });
  }

  disconnected(serverId: string): void {
    this.#sentFor.delete(serverId);
  }

  /** A server told its policy after its hello. */
  policyTold(serverId: string, policy: LocalPolicySummary): void {
    this.#run(async () => {
      if (this.#sentFor.has(serverId) && this.#sentFor.get(serverId) === policy.lock?.number) return;
      await this.#handOn(serverId, policy);
    });
  }

  /** The lock has another state. */
  lockChanged(): void {
    this.#kept = undefined;
    this.#run(() => this.sweep());
  }

  /** Looks at every server that is connected. */
  async sweep(): Promise<void> {
    try {
      if ((await this.#states()).length === 0) return;
      const servers = (await policiesOfServers(this.#deps.db)).filter(({ id }) => this.#deps.registry.isOnline(id));
      for (const [n, { id, policy_json }] of servers.entries()) {
        if (n > 0 && n % SERVERS_AT_ONCE === 0) await delay(this.#deps.clock, PAUSE_MS);
        await this.#handOn(id, toldPolicy(policy_json));
      }
    } catch (error) {
      this.#deps.log.error('lock.not_handed_on', { error: String(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    await Promise.all(this.#working);
  }

  async #handOn(serverId: string, policy: LocalPolicySummary | null): Promise<void> {
    const { state, number, missing } = standingOf(policy, await this.#states());
    if (state !== 'behind' || missing.length === 0) return;
    this.#sentFor.set(serverId, number);
    failPoint('fleet.lock_changes.before_send');
    this.#deps.registry.sendLockChanges(serverId, oneFrame(missing));
  }

  #states(): Promise<readonly KeptState[]> {
    this.#kept ??= keptStates(this.#deps.db).catch((error: unknown) => {
      this.#kept = undefined;
      throw error;
    });
    return this.#kept;
  }

  #run(work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => this.#deps.log.error('lock.not_handed_on', { error: String(error) }))
      .finally(() => this.#working.delete(running));
    this.#working.add(running);
  }
}

function oneFrame(missing: readonly SignedLockChange[]): SignedLockChange[] {
  const frame: SignedLockChange[] = [];
  let characters = 0;
  for (const change of missing.slice(0, CHANGES_AT_ONCE)) {
    characters += JSON.stringify(change).length;
    if (frame.length > 0 && characters > CHARACTERS_AT_ONCE) break;
    frame.push(change);
  }
  return frame;
}
