/**
 * One seed: a control plane, servers, a network, people, and an hour or more in which things go wrong. Then all is mended,
 * windows close, and the checker looks. Everything that is random comes from the seed.
 */
import { actionById, actionsIn } from '@countersign/control-plane/actions/action.store';
import type { Db } from '@countersign/control-plane/storage/database';
import { emptyStore } from '../world/empty-store.ts';
import { Chance, simulatedIds } from './chance.ts';
import { Crowd } from './crowd.ts';
import { EffectLedger } from './effect-ledger.ts';
import { mishaps } from './mishaps.ts';
import { type SimulatedControlPlane, startControlPlane } from './simulated-control-plane.ts';
import { keyOf, policyInForce, usualPolicy } from './simulated-heart.ts';
import { addEverybody } from './simulated-people.ts';
import { Killed, SimulatedProcess } from './simulated-process.ts';
import { nameOf } from './simulated-runner.ts';
import { SimulatedServer } from './simulated-server.ts';
import { SimulatedStore } from './simulated-store.ts';
import { VirtualNetwork } from './virtual-network.ts';
import { EPOCH, MachineClock, rest, VirtualTime } from './virtual-time.ts';

/** The migrations take a tenth of a seed. */
const empty = await emptyStore();
const usual = policyInForce(usualPolicy);
const agentKeys = ['k', 'm'].map(keyOf);
/** How long after everything was mended an action may still be open, besides its own windows: a long wait of the link and a minute. */
const MENDED_MS = 60_000 + 60_000 + 60_000;
const WINDOWS_MS = 2 * 60_000 + 2 * 60_000;
const DOWN_MS = 20_000;
/** Lines of log that no trouble from outside explains. */
const DEFECTS = ['defect', 'run.unfinished', 'agent.frame_not_handled', 'frame.out_of_turn', 'runner.line_invalid'];

export class WholeSystem implements Disposable {
  readonly chance: Chance;
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly store = new SimulatedStore(empty);
  readonly clock: MachineClock;
  readonly ledger = new EffectLedger();
  readonly cards = new Map<string, string>();
  readonly servers: readonly SimulatedServer[];
  readonly crowd: Crowd;
  /** Errors in the log of the product that are defects whatever befell it. */
  readonly defects: unknown[] = [];
  /** Actions whose end a disk did not take. */
  readonly endsNotWritten = new Set<unknown>();
  /** Where programs were killed, for those who want to know whether every point was met. */
  readonly killedAt: string[] = [];
  plane: SimulatedControlPlane | null = null;
  #planeProcess = new SimulatedProcess('control plane');
  #reader: Db | undefined;

  constructor(seed: number) {
    const chance = new Chance(seed);
    this.chance = chance;
    this.time = new VirtualTime(chance);
    this.network = new VirtualNetwork(this.time, chance);
    this.clock = new MachineClock(this.time);
    const count = chance.happens(0.3) ? 2 : 1;
    const serverIds = Array.from({ length: count }, (_, n) => `srv_${String(n + 1).padStart(12, '0')}`);
    this.crowd = new Crowd(chance, serverIds);
    this.servers = serverIds.map((serverId, n) => this.#serverOf(serverId, n));
  }

  get reader(): Db {
    if (!this.#reader) throw new Error('not begun');
    return this.#reader;
  }

  get planeProcess(): SimulatedProcess {
    return this.#planeProcess;
  }

  /** Lives through phases of trouble, is mended, and waits until everything has its end. */
  async run(): Promise<void> {
    await this.begin();
    for (let phase = this.chance.below(3); phase >= 0; phase -= 1) {
      await this.#troubles();
      // The machines sleep: hours go by in which nothing could happen.
      if (this.chance.happens(0.5)) this.time.leap(this.chance.between(60_000, 8 * 3_600_000));
    }
    await this.#mend();
    for (const { serverId } of this.servers) await this.carryOut(serverId);
  }

  /** Everything is there, and the servers are connected. */
  async begin(): Promise<void> {
    this.#reader = await this.store.openFor(new SimulatedProcess('checker'));
    const known = this.servers.map(({ serverId }, n) => ({
      id: serverId,
      name: nameOf(serverId),
      publicKey: agentKeys[n]?.publicKey ?? '',
    }));
    await addEverybody(this.#reader, known);
    await this.startPlane();
    await this.time.passUntil(this.time.now + 5000);
  }

  /** Starts a control plane where none runs. */
  async startPlane(): Promise<void> {
    if (this.plane?.process.alive) return;
    const process = new SimulatedProcess('control plane');
    this.#planeProcess = process;
    this.plane = null;
    process.atDeath(() => {
      this.killedAt.push(`${process.name}: ${process.diedAt}`);
      this.time.after(this.chance.between(100, DOWN_MS), () => void this.startPlane());
    });
    const { store, network, clock, cards, chance } = this;
    const options = { store, network, clock, cards, ids: simulatedIds(chance), log: this.#log, policy: () => usual };
    try {
      this.plane = await startControlPlane(process, options);
    } catch (error) {
      process.kill(`start: ${error instanceof Error ? error.message : error}`); // its supervisor tries again
    }
  }

  /** How many actions have no end yet. */
  async open(): Promise<number> {
    const open = await actionsIn(this.reader, ['awaiting_approval', 'approved', 'dispatched', 'running']);
    return open.length;
  }

  /** How many actions there ever were. */
  async count(): Promise<number> {
    return (await this.reader.selectFrom('action').select('id').execute()).length;
  }

  [Symbol.dispose](): void {
    for (const server of this.servers) server[Symbol.dispose]();
    this.#planeProcess.kill();
    this.store[Symbol.dispose]();
  }

  #serverOf(serverId: string, n: number): SimulatedServer {
    const { chance, time, network, ledger } = this;
    const key = agentKeys[n] ?? keyOf('k');
    const machine = { serverId, time, chance, ledger, systemd: chance.happens(0.6), stepMs: 3000, failing: 0.15 };
    const killed = (process: SimulatedProcess) =>
      process.diedAt !== 'idle' && this.killedAt.push(`${process.name}: ${process.diedAt}`);
    return new SimulatedServer({ ...machine, network, key, killed, ids: simulatedIds(chance), log: this.#log });
  }

  async #troubles(): Promise<void> {
    const end = this.time.now + this.chance.between(20_000, 90_000);
    const often = this.chance.between(0.02, 0.3);
    while (this.time.now < end) {
      await this.time.passUntil(this.time.now + this.chance.between(10, 2500));
      const { plane } = this;
      if (plane?.process.alive) this.crowd.stir(plane.deps);
      if (this.chance.happens(often)) this.chance.pick(mishaps)(this);
      await rest();
    }
  }

  async #mend(): Promise<void> {
    this.network.weather = { latencyMs: 40, refused: 0 };
    this.store.full = false;
    this.clock.offsetMs = 0;
    this.#planeProcess.fuse = Number.POSITIVE_INFINITY;
    for (const server of this.servers) server.mend();
    await this.#resume();
    const end = this.time.now + MENDED_MS + WINDOWS_MS;
    do await this.time.passUntil(this.time.now + 5000);
    while (this.time.now < end && ((await this.open()) > 0 || this.servers.some(({ busy }) => busy)));
    // What was asked for or sent while the clock was a day ahead waits for a day.
    const windows = await actionsIn(this.reader, ['awaiting_approval', 'approved', 'dispatched', 'running']);
    const last = Math.max(...windows.map(({ decide_by, start_by }) => (start_by ?? decide_by) - EPOCH));
    if (last > this.time.now) {
      this.time.leap(last - this.time.now);
      await this.time.passUntil(this.time.now + WINDOWS_MS);
    }
    await this.time.passUntil(this.time.now + MENDED_MS); // what is open then is stuck: the checker says so
  }

  /** Asks for a change on a server, has it approved, and expects it to be over within a minute. */
  async carryOut(serverId: string): Promise<void> {
    const { plane } = this;
    if (!plane?.process.alive) throw new Error('the control plane did not come back');
    const id = await this.#within(this.crowd.ask(plane.deps, serverId, 'medium'), 'an answer to a request');
    const action = await actionById(this.reader, id);
    if (action?.state === 'awaiting_approval')
      await this.#within(this.crowd.answer(plane.deps, action, 1, 'approve'), 'an answer to an approval');
    await this.time.passUntil(this.time.now + 60_000);
    const after = await actionById(this.reader, id);
    if (!['succeeded', 'failed'].includes(after?.state ?? ''))
      throw new Error(`a minute after its approval ${id} is ${after?.state}, ${after?.fault_json}`);
  }

  /** Ends a pause as soon as the control plane is back. */
  async #resume(): Promise<void> {
    while (!this.plane?.process.alive) await this.time.passUntil(this.time.now + 1000);
    await this.#within(this.crowd.pause(this.plane.deps, false), 'an answer to the end of the pause');
  }

  async #within<T>(promise: Promise<T>, what: string): Promise<T> {
    let answer: { value: T } | { error: unknown } | undefined;
    promise.then(
      (value) => {
        answer = { value };
      },
      (error: unknown) => {
        answer = { error };
      },
    );
    const end = this.time.now + 30_000;
    while (answer === undefined && this.time.now < end) await this.time.passUntil(this.time.now + 1000);
    if (answer === undefined) throw new Error(`half a minute without ${what}`);
    if ('error' in answer) throw answer.error;
    return answer.value;
  }

  readonly #log = {
    info: () => undefined,
    warn: () => undefined,
    error: (event: string, fields?: Readonly<Record<string, unknown>>) => {
      if (DEFECTS.includes(event) && !(fields?.error instanceof Killed)) this.defects.push([event, fields]);
      if (event === 'journal.unwritable' && fields?.entry === 'result') this.endsNotWritten.add(fields.actionId);
    },
  };
}
