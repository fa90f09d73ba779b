/**
 * The servers as witnesses of the audit log: each gets the newest checkpoint, says that it keeps it, and is believed when its
 * memory contradicts this database (threat T22, fault F18). A server that contradicts gets no further checkpoint, so that a
 * log that was rolled back cannot grow over what it remembers, until an owner accepts the loss.
 */
import type { Cancel } from '@countersign/protocol';
import { verifyValue } from '@countersign/protocol/signing';
import { lastCheckpoint } from '../audit/audit.store.ts';
import { type Judgement, judgeWitnessed, type Told as Kept, keepJudgement } from '../audit/judge-witnessed.ts';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import { ConditionAlert, type ConditionDeps } from './condition-alert.ts';
import { nextTurn } from './next-turn.ts';
import type { FleetFollower, FleetRegistry } from './registry.ts';
import { repeat } from './repeat.ts';
import type { Told } from './session-events.ts';
import { contradictedServers, type WitnessColumns, witnessColumns } from './witness.store.ts';

type Deps = ConditionDeps & { readonly registry: Pick<FleetRegistry, 'onlineIds' | 'sendCheckpoint'> };
type News = Exclude<Told, { type: 'policy' }>;

/** What a hello told, as far as it matters here. */
export interface HelloWitness {
  /** The size of the checkpoint that the server keeps, where this database has its countersignature and has it so itself. */
  readonly keeps: number | null;
  readonly contradicts: boolean;
  /** The pinned key, and the one that the hello named in its place. */
  readonly otherKey: { readonly pinned: string; readonly told: string } | null;
}

const TURN_MS = 1000;
/** All servers have a new checkpoint after so many turns; few at once are sent in the first. */
const TURNS = 30;
const AT_ONCE = 50;
const SERVERS_PER_TRANSACTION = 200;
/** So many are sent or judged in one turn of the event loop. */
const IN_ONE_TURN = 16;

export class Witnesses implements FleetFollower {
  readonly #deps: Deps;
  readonly #contradicts: ConditionAlert;
  readonly #otherKey: ConditionAlert;
  /** Servers that contradict, as far as it is stored. */
  readonly #contradicting = new Set<string>();
  /** The other key that was put on record last, by server. */
  readonly #audited = new Map<string, string>();
  /** Servers that lack the newest checkpoint. */
  readonly #due = new Set<string>();
  /** The size of the checkpoint that was the newest when a server answered last, by server. */
  readonly #answered = new Map<string, number>();
  #newest: { readonly size: number; readonly note: string } | undefined;
  #news = new Map<string, { serverId: string; message: News }>();
  #turn: Promise<void> = Promise.resolve();
  #stop: Cancel | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#contradicts = new ConditionAlert(deps, {
      kind: 'audit',
      severity: 'critical',
      begins: '{server} remembers audit entries that this database does not have: changes there are refused',
      ends: '{server} and the audit log agree again, or an owner accepted the loss',
    });
    this.#otherKey = new ConditionAlert(deps, {
      kind: 'witness_key',
      severity: 'critical',
      begins: '{server} shows another witness key than the one that is known: enrol it anew if you reset it',
      ends: '{server} shows the witness key that is known',
    });
  }

  async start(): Promise<void> {
    const { db, clock } = this.#deps;
    await Promise.all([this.#contradicts.load(), this.#otherKey.load()]);
    for (const { id } of await contradictedServers(db)) this.#contradicting.add(id);
    this.#newest = await lastCheckpoint(db);
    this.#stop = repeat(clock, TURN_MS, () => this.turn());
  }

  connected(serverId: string): void {
    if (this.#answered.get(serverId) !== this.#newest?.size) this.#due.add(serverId);
  }

  disconnected(serverId: string): void {
    this.#due.delete(serverId);
    this.#answered.delete(serverId);
  }

  /**
   * Takes the newest checkpoint, whether it is new or not. Every connected server that has not answered to it is to have it,
   * spread over the next half minute.
   */
  checkpointMade({ size, note }: { readonly size: number; readonly note: string }): void {
    if (this.#newest === undefined || size > this.#newest.size) this.#newest = { size, note };
    const newest = this.#newest.size;
    for (const id of this.#deps.registry.onlineIds) if (this.#answered.get(id) !== newest) this.#due.add(id);
  }

  /** Takes what a hello told; it is stored already. */
  helloKept(serverId: string, { keeps, contradicts, otherKey }: HelloWitness): void {
    // Who comes back as it left has nothing to be sent and nothing to sign.
    if (keeps !== null) this.#answered.set(serverId, keeps);
    else this.#answered.delete(serverId);
    this.#show(serverId, contradicts);
    this.#otherKey.set(serverId, otherKey !== null);
    if (otherKey === null) this.#audited.delete(serverId);
    else if (this.#audited.get(serverId) !== otherKey.told) {
      this.#audited.set(serverId, otherKey.told);
      this.#turn = this.#turn.then(() => this.#auditKey(serverId, otherKey));
    }
  }

  /** Takes news of a connected server; it is stored with the next turn. */
  told(serverId: string, message: News): void {
    this.#news.set(`${serverId} ${message.type}`, { serverId, message });
    if (this.#newest !== undefined) this.#answered.set(serverId, this.#newest.size);
  }

  /** An owner accepted what these servers contradict. */
  rollbackAccepted(serverIds: readonly string[]): void {
    for (const id of serverIds) {
      this.#show(id, false);
      this.#due.add(id);
    }
  }

  /** Sends checkpoints that are due and stores what servers told. Never rejects. */
  turn(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      await this.#sendDue();
      await this.#store().catch((error: unknown) =>
        this.#deps.log.error('witness.not_stored', { error: String(error) }),
      );
    });
    return this.#turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    await this.turn();
    await Promise.all([this.#contradicts.settled(), this.#otherKey.settled()]);
  }

  async #sendDue(): Promise<void> {
    if (this.#newest === undefined) return;
    const { registry, log } = this.#deps;
    let left = Math.max(AT_ONCE, Math.ceil(registry.onlineIds.length / TURNS));
    let sent = 0;
    for (const id of this.#due) {
      if (left <= 0) return;
      this.#due.delete(id);
      if (this.#contradicting.has(id)) continue;
      left -= 1;
      sent += 1;
      if (sent % IN_ONE_TURN === 0) await nextTurn();
      try {
        registry.sendCheckpoint(id, this.#newest.note);
      } catch (error) {
        log.warn('checkpoint.not_sent', { server: id, error: String(error) });
      }
    }
  }

  async #store(): Promise<void> {
    const news = [...this.#news.values()];
    this.#news = new Map();
    for (let from = 0; from < news.length; from += SERVERS_PER_TRANSACTION) {
      const judged: { serverId: string; judgement: Judgement }[] = [];
      for (const [n, { serverId, message }] of news.slice(from, from + SERVERS_PER_TRANSACTION).entries()) {
        if ((n + 1) % IN_ONE_TURN === 0) await nextTurn();
        const judgement = await this.#judge(serverId, message);
        if (judgement) judged.push({ serverId, judgement });
      }
      await this.#keep(judged);
    }
  }

  async #judge(serverId: string, message: News): Promise<Judgement | null> {
    const { db, clock, log } = this.#deps;
    const columns = await witnessColumns(db, serverId);
    const kept = columns && keptIn(serverId, message, columns);
    if (kept) return judgeWitnessed(db, columns, kept, clock.now());
    log.warn('witness.signature_wrong', { server: serverId });
    return null;
  }

  async #keep(judged: readonly { serverId: string; judgement: Judgement }[]): Promise<void> {
    const { db, clock, live } = this.#deps;
    const changed = judged.filter(({ judgement }) => Object.keys(judgement.columns).length > 0);
    if (changed.length > 0)
      await write(db, 'fleet.witnesses', async (trx) => {
        for (const { serverId, judgement } of changed)
          await keepJudgement(trx, serverId, judgement, { at: clock.now(), who: whoIs('agent') });
      });
    for (const { serverId, judgement } of judged) {
      this.#show(serverId, judgement.contradiction !== null);
      if (judgement.columns.contradiction_json !== undefined) live.publish({ type: 'server', id: serverId });
    }
  }

  #show(serverId: string, contradicts: boolean): void {
    if (contradicts) this.#contradicting.add(serverId);
    else this.#contradicting.delete(serverId);
    this.#contradicts.set(serverId, contradicts);
  }

  async #auditKey(serverId: string, details: { readonly pinned: string; readonly told: string }): Promise<void> {
    const { db, clock, log } = this.#deps;
    const entry = { event: 'server.witness_key_changed', at: clock.now(), who: whoIs('agent'), serverId } as const;
    await write(db, (trx) => appendEntry(trx, { ...entry, details: { ...details } })).catch((error: unknown) =>
      log.error('witness.not_stored', { server: serverId, error: String(error) }),
    );
  }
}

/** What a message says that the server keeps; undefined when it is not signed by the key that is pinned. */
function keptIn(serverId: string, message: News, { witness_key }: WitnessColumns): Kept | undefined {
  if (message.type === 'checkpoint_refused') return { ...message.kept, signature: null };
  const { size, head, at, signature } = message;
  const genuine =
    message.serverId === serverId &&
    witness_key !== null &&
    verifyValue('witness', { serverId, size, head, at }, signature, witness_key);
  return genuine ? { size, head, at, signature } : undefined;
}
