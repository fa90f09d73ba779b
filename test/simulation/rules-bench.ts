/** A bench of the quick parts: rows and journals in memory, made of the product's pure rules. */
import { Chance, simulatedIds } from './chance.ts';
import { type ActionFacts, checkPauses } from './lifecycle-check.ts';
import type { Bench, Plane, PlaneSurroundings, RunnerSurroundings, ServerRunner } from './lifecycle-parts.ts';
import type { Machine } from './machine.ts';
import { RulesPlane } from './rules-plane.ts';
import { RulesRunner, type RulesRunnerSurroundings } from './rules-runner.ts';
import { RulesStore } from './rules-store.ts';
import { SimulatedProcess } from './simulated-process.ts';

export class RulesBench implements Bench {
  readonly ids = simulatedIds(new Chance(1));
  process = new SimulatedProcess('control plane');
  turn: () => Promise<void> = () => Promise.resolve();
  beginsAt = 0;
  readonly used = false;
  #store = new RulesStore();
  #journals = new WeakMap<Machine, RulesRunnerSurroundings['journal']>();

  nextServer(): string {
    this.#store = new RulesStore();
    return 'srv_000000000001';
  }

  async startPlane(surroundings: PlaneSurroundings): Promise<Plane> {
    const { process, ids } = this;
    return new RulesPlane({ ...surroundings, process, ids, store: this.#store, turn: () => this.turn() });
  }

  startRunner({ process, machine }: RunnerSurroundings): ServerRunner {
    const journal = this.#journals.get(machine) ?? [];
    this.#journals.set(machine, journal);
    return new RulesRunner({ process, machine, journal, clock: machine.clock.of(process) });
  }

  async factsOf(ids: readonly string[]): Promise<ActionFacts[]> {
    return this.#store.factsOf(ids);
  }

  async checkAudit(): Promise<void> {
    checkPauses(this.#store.events);
  }

  [Symbol.dispose](): void {
    this.#store = new RulesStore();
  }
}
