/** Where interleavings run one after the other: one store for some hundred of them, and a reader for the checker. */
import type { Db } from '@countersign/control-plane/storage/database';
import { Chance, simulatedIds } from './chance.ts';
import { type ActionFacts, type AuditLine, checkChain } from './lifecycle-check.ts';
import { factsOf } from './real-control-plane.ts';
import { addEverybody } from './simulated-people.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SimulatedStore } from './simulated-store.ts';

const PER_STORE = 300;
const serverId = (n: number) => `srv_${String(n).padStart(12, '0')}`;

export class InterleavingBench implements Disposable {
  readonly store = new SimulatedStore();
  /** Waited for before each use of the database. */
  turn: () => Promise<void> = () => Promise.resolve();
  /** The control plane's process. One that was not killed goes on in the next interleaving. */
  process = new SimulatedProcess('control plane');
  /** Never the same identifier twice on one store. */
  readonly ids = simulatedIds(new Chance(1));
  /** Milliseconds of simulated time: no two interleavings overlap. */
  beginsAt = 0;
  #db: Db | undefined;
  #opened: { readonly process: SimulatedProcess; readonly db: Db } | undefined;
  #serversUsed = 0;
  #audited: AuditLine | undefined;

  static async open(): Promise<InterleavingBench> {
    const bench = new InterleavingBench();
    bench.#db = await bench.store.openFor(new SimulatedProcess('checker'));
    const servers = Array.from({ length: PER_STORE }, (_, n) => ({ id: serverId(n + 1), name: `web-${n + 1}` }));
    await addEverybody(bench.#db, servers);
    return bench;
  }

  /** Whether another store is due: this one has got long. */
  get used(): boolean {
    return this.#serversUsed >= PER_STORE;
  }

  /** A server that nobody has worked on. */
  nextServer(): string {
    this.#serversUsed += 1;
    return serverId(this.#serversUsed);
  }

  /** The database as the control plane has it open; opened anew after it was killed. */
  async db(): Promise<Db> {
    const { process } = this;
    if (this.#opened?.process !== process)
      this.#opened = { process, db: await this.store.openFor(process, () => this.turn()) };
    return this.#opened.db;
  }

  factsOf(ids: readonly string[]): Promise<ActionFacts[]> {
    return factsOf(this.#reader(), ids);
  }

  /** Checks what was added to the audit log since the last time. */
  async checkAudit(): Promise<void> {
    const lines = await this.#reader()
      .selectFrom('audit_entry')
      .select(['seq', 'body', 'hash'])
      .where('seq', '>', this.#audited?.seq ?? 0)
      .orderBy('seq')
      .execute();
    this.#audited = checkChain(lines, this.#audited);
  }

  #reader(): Db {
    if (!this.#db) throw new Error('not open');
    return this.#db;
  }

  [Symbol.dispose](): void {
    this.store[Symbol.dispose]();
  }
}
