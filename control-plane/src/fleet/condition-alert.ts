/** An alert of our own about a condition of a server that holds or does not: raised when it begins, resolved when it ends. */
import { firingOfKind } from '../alerts/alert.store.ts';
import { type AlertReport, raiseAlert } from '../alerts/raise-alert.ts';
import { whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { serverById } from './server.store.ts';

export type ConditionDeps = Pick<Core, 'db' | 'clock' | 'ids' | 'live' | 'log'>;

interface Wording {
  readonly kind: string;
  readonly severity: AlertReport['severity'];
  /** `{server}` stands for its name. */
  readonly begins: string;
  readonly ends: string;
}

export class ConditionAlert {
  readonly #deps: ConditionDeps;
  readonly #wording: Wording;
  /** Servers whose alert fires, as far as it is stored. */
  readonly #firing = new Set<string>();
  /** What is meant to hold; an entry is gone once the store says the same. */
  readonly #wanted = new Map<string, { holds: boolean; since: number | undefined; detail: string }>();
  #working: Promise<void> | undefined;

  constructor(deps: ConditionDeps, wording: Wording) {
    this.#deps = deps;
    this.#wording = wording;
  }

  /** Finds what fires since before our start. */
  async load(): Promise<void> {
    for (const id of await firingOfKind(this.#deps.db, 'control_plane', this.#wording.kind)) this.#firing.add(id);
  }

  /** Says whether the condition holds. Costs nothing when that is known. `detail` follows the title; never throws. */
  set(serverId: string, holds: boolean, options: { since?: number; detail?: string } = {}): void {
    if (!this.#wanted.has(serverId) && this.#firing.has(serverId) === holds) return;
    this.#wanted.set(serverId, { holds, since: options.since, detail: options.detail ?? '' });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when everything that was said is stored. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (const [serverId, wanted] of this.#wanted) {
      try {
        if (this.#firing.has(serverId) !== wanted.holds) await this.#store(serverId, wanted);
      } catch (error) {
        const { kind } = this.#wording;
        this.#deps.log.error('alert.not_raised', { server: serverId, kind, error: String(error) });
      }
      // Said otherwise meanwhile: the entry was replaced and comes up again in this very loop.
      if (this.#wanted.get(serverId) === wanted) this.#wanted.delete(serverId);
    }
    if (this.#wanted.size > 0) await this.#work();
  }

  async #store(
    serverId: string,
    { holds, since, detail }: { holds: boolean; since: number | undefined; detail: string },
  ) {
    const server = await serverById(this.#deps.db, serverId);
    if (holds && (server === undefined || server.state === 'revoked')) {
      this.#firing.add(serverId); // Nothing to tell of a server that was removed, now or with the next sweep.
      return;
    }
    const { kind, severity, begins, ends } = this.#wording;
    await raiseAlert(this.#deps, {
      source: 'control_plane',
      kind,
      key: '',
      state: holds ? 'firing' : 'resolved',
      severity,
      title: (holds ? begins : ends).replace('{server}', server?.name ?? serverId) + detail,
      serverId,
      labels: {},
      at: this.#deps.clock.now(),
      since,
      who: whoIs('clock'),
    });
    if (holds) this.#firing.add(serverId);
    else this.#firing.delete(serverId);
  }
}
