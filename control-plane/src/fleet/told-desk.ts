/** Where news goes that a server tells of itself between hellos: its policy, and what it keeps of the audit log. */
import { delay } from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import type { Core } from '../ports.ts';
import { keepPolicy } from './keep-policy.ts';
import type { LockHandout } from './lock-handout.ts';
import { NewestOnly } from './newest-only.ts';
import type { Told } from './session-events.ts';
import type { Witnesses } from './witnesses.ts';

/** Each change of policy leaves an audit entry: one server makes at most one in this time. */
const PAUSE_MS = 1000;

export class ToldDesk {
  readonly #policies: NewestOnly<LocalPolicySummary>;
  readonly #witnesses: Pick<Witnesses, 'told'>;
  readonly #ending = new AbortController();

  constructor(core: Core, handout: Pick<LockHandout, 'policyTold'>, witnesses: Pick<Witnesses, 'told'>) {
    this.#witnesses = witnesses;
    this.#policies = new NewestOnly(core.log, async (serverId, policy) => {
      await keepPolicy(core, serverId, policy);
      handout.policyTold(serverId, policy);
      await delay(core.clock, PAUSE_MS, this.#ending.signal).catch(() => undefined);
    });
  }

  /** Never throws. */
  take(serverId: string, message: Told): void {
    if (message.type === 'policy') this.#policies.take(serverId, message.policy);
    else this.#witnesses.told(serverId, message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#policies.settled();
  }
}
