/** A bench of the real thing: use cases over one SQLite in memory for some hundred interleavings, and runners with their journals. */
import type { Db } from '@countersign/control-plane/storage/database';
import { Chance, simulatedIds } from './chance.ts';
import { type ActionFacts, type AuditLine, checkChain, checkPauses } from './lifecycle-check.ts';
import type { Bench, Plane, PlaneSurroundings, RunnerSurroundings, ServerRunner } from './lifecycle-parts.ts';
import { factsOf, RealControlPlane } from './real-control-plane.ts';
import { addEverybody } from './simulated-people.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { startRunner } from './simulated-runner.ts';
import { SimulatedStore } from './simulated-store.ts';

const PER_STORE = 300;
const serverId = (n: number) => `srv_${String(n).padStart(12, '0')}`;
export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export class RealBench implements Bench {
  readonly #store = new SimulatedStore();
  turn: () => Promise<void> = () => Promise.resolve();
  process = new SimulatedProcess('control plane');
  readonly ids = simulatedIds(new Chance(1));
  beginsAt = 0;
  #db: Db | undefined;
  #opened: { readonly process: SimulatedProcess; readonly db: Db } | undefined;
  #serversUsed = 0;
  #audited: AuditLine | undefined;

  static async open(): Promise<RealBench> {
    const bench = new RealBench();
    bench.#db = await bench.#store.openFor(new SimulatedProcess('checker'));
    const servers = Array.from({ length: PER_STORE }, (_, n) => ({ id: serverId(n + 1), name: `web-${n + 1}` }));
    await addEverybody(bench.#db, servers);
    return bench;
  }

  get used(): boolean {
    return this.#serversUsed >= PER_STORE;
  }

  nextServer(): string {
    this.#serversUsed += 1;
    return serverId(this.#serversUsed);
  }

  async startPlane(surroundings: PlaneSurroundings): Promise<Plane> {
    const { process } = this;
    if (this.#opened?.process !== process)
      this.#opened = { process, db: await this.#store.openFor(process, () => this.turn()) };
    const { db } = this.#opened;
    return new RealControlPlane({ ...surroundings, db, ids: this.ids, log: silent, cards: new Map() });
  }

  startRunner(surroundings: RunnerSurroundings): ServerRunner {
    return startRunner({ ...surroundings, log: silent }).runner;
  }

  factsOf(ids: readonly string[]): Promise<ActionFacts[]> {
    return factsOf(this.#reader(), ids);
  }

  async checkAudit(): Promise<void> {
    const lines = await this.#reader()
      .selectFrom('audit_entry')
      .select(['seq', 'body', 'hash'])
      .where('seq', '>', this.#audited?.seq ?? 0)
      .orderBy('seq')
      .execute();
    this.#audited = checkChain(lines, this.#audited);
    checkPauses(lines.map(({ body }) => (JSON.parse(body) as { event: string }).event));
  }

  #reader(): Db {
    if (!this.#db) throw new Error('not open');
    return this.#db;
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }
}
