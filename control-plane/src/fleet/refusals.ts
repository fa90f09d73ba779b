/** What happens when an agent is turned away: it is audited, and a copy of a server's identity raises an alarm (threat T2). */
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { Allowance } from './allowance.ts';
import { ConditionAlert } from './condition-alert.ts';
import type { Refusal } from './connection.ts';
import { DUPLICATE } from './quarantine.store.ts';
import { serverById } from './server.store.ts';

/** Strangers can knock as often as they like; the audit log keeps a hundred knocks at once and one more every ten seconds. */
const AUDITED = { framesPerSecond: 0.1, framesAtOnce: 100, bytesPerSecond: 1, bytesAtOnce: 1 };

export class Refusals {
  readonly #core: Core;
  readonly #allowance: Allowance;
  readonly #duplicates: ConditionAlert;
  #left = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#allowance = new Allowance(core.clock, AUDITED);
    this.#duplicates = new ConditionAlert(core, {
      kind: DUPLICATE,
      severity: 'critical',
      begins: 'No change goes to {server}: a second agent uses its identity',
      ends: '{server} takes changes again',
    });
  }

  async start(): Promise<void> {
    await this.#duplicates.load();
  }

  /** The copied key is worth nothing any more. */
  enrolledAnew(serverId: string): void {
    this.#duplicates.set(serverId, false, { detail: ': it was enrolled anew, with a key of its own' });
  }

  /** An owner has looked. Resolves when it is stored. */
  async released(serverId: string, by: string): Promise<void> {
    this.#duplicates.set(serverId, false, { detail: `: ${by} has looked` });
    await this.#duplicates.settled();
  }

  /** Never rejects: the agent is turned away whether it can be written down or not. */
  async take(refusal: Refusal): Promise<void> {
    const { why, ip, serverId } = refusal;
    try {
      const isDuplicate = why.code === 'agent_duplicate' && serverId !== undefined;
      if (this.#allowance.spend(0) === 0)
        await (isDuplicate ? this.#auditDuplicate(serverId, refusal) : this.#audit(refusal));
      else {
        this.#left += 1;
        this.#core.log.warn('agent.refusal_not_audited', { ip, code: why.code, left_out: this.#left });
      }
      if (isDuplicate) this.#duplicates.set(serverId, true, { detail: `, from ${ip}` });
      await this.#duplicates.settled();
    } catch (error) {
      this.#core.log.error('agent.refusal_not_stored', { ip, code: why.code, error: String(error) });
    }
  }

  async #audit({ why, ip, publicKey, serverId }: Refusal): Promise<void> {
    await write(this.#core.db, async (trx) => {
      // A stranger can name any id: it goes into the entry only when there is such a server.
      const server = serverId === undefined ? undefined : await serverById(trx, serverId);
      await appendEntry(trx, {
        event: 'server.refused',
        at: this.#core.clock.now(),
        who: whoIs('stranger', ip),
        serverId: server?.id,
        details: { error: why.code, message: why.message, public_key: publicKey },
      });
    });
  }

  async #auditDuplicate(serverId: string, { ip, publicKey }: Refusal): Promise<void> {
    const at = this.#core.clock.now();
    const who = whoIs('agent', ip);
    const details = { public_key: publicKey };
    await write(this.#core.db, (trx) => appendEntry(trx, { event: 'server.duplicated', at, who, serverId, details }));
  }
}
