/**
 * A server under care: machine, disk, and the agent's two real programs on them, the link and the runner, which can be killed
 * one by one or with the machine, and are started again as their supervisor would.
 */
import { PassThrough } from 'node:stream';
import type { Log } from '@countersign/agent/host/log';
import { Backoff } from '@countersign/agent/link/backoff';
import { Chunks } from '@countersign/agent/link/chunks';
import { Deliveries } from '@countersign/agent/link/deliveries';
import { keepLinked, type LinkDeps } from '@countersign/agent/link/link';
import { Outbox } from '@countersign/agent/link/outbox';
import { RememberedAbout } from '@countersign/agent/link/remembered-about';
import { RunnerClient, type RunnerStreams } from '@countersign/agent/link/runner-client';
import { defaultPolicy, summaryOf } from '@countersign/agent/run/local-policy';
import { RunnerService } from '@countersign/agent/run/serve';
import { capabilityIds, type Ids } from '@countersign/protocol';
import type { ServerFacts, StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { SigningKey } from '@countersign/protocol/signing';
import type { Chance } from './chance.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { controlPlaneKey } from './simulated-heart.ts';
import { facts } from './simulated-people.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { nameOf, type SimulatedRunner, startRunner } from './simulated-runner.ts';
import { VirtualDisk } from './virtual-disk.ts';
import type { VirtualNetwork } from './virtual-network.ts';

const RUNNER_IDLE_MS = 60_000;
const SUPERVISOR_MS = 1000;

export interface ServerSurroundings extends MachineOptions {
  readonly network: VirtualNetwork;
  readonly ids: Ids;
  readonly log: Log;
  readonly key: SigningKey;
  /** Told of every program that was killed. */
  readonly killed: (process: SimulatedProcess) => void;
}

export class SimulatedServer implements Disposable {
  readonly serverId: string;
  readonly machine: Machine;
  readonly disk = new VirtualDisk();
  /** Whether the supervisor starts what died. Off while the machine is down. */
  #up = true;
  readonly #surroundings: ServerSurroundings;
  #link = new SimulatedProcess('link');
  #runner: {
    readonly process: SimulatedProcess;
    readonly parts: SimulatedRunner;
    readonly service: RunnerService;
  } | null = null;

  constructor(surroundings: ServerSurroundings) {
    this.#surroundings = surroundings;
    this.serverId = surroundings.serverId;
    this.machine = new Machine(surroundings);
    this.#startLink();
  }

  get linkProcess(): SimulatedProcess {
    return this.#link;
  }

  get runnerProcess(): SimulatedProcess | null {
    return this.#runner?.process.alive ? this.#runner.process : null;
  }

  /** Whether the runner has actions under way. */
  get busy(): boolean {
    return this.runnerProcess !== null && (this.#runner?.parts.runner.running ?? 0) > 0;
  }

  /** The machine loses power; it is up again after `ms`. */
  losePower(ms: number, chance: Chance): void {
    if (!this.#up) return;
    this.#up = false;
    // Nobody is left to end its connections: the other side hears nothing at all.
    const { network, time } = this.#surroundings;
    for (const connection of network.connectionsThat((it) => it.agent === this.#link)) connection.silence();
    this.#link.kill('power');
    this.#runner?.process.kill('power');
    this.machine.reboot();
    this.disk.loseUnsynced(chance);
    time.after(ms, () => {
      this.#up = true;
      this.#startLink();
    });
  }

  /** Everything that was wrong with it is put right. */
  mend(): void {
    this.disk.fault = null;
    this.machine.clock.offsetMs = 0;
    this.#link.fuse = Number.POSITIVE_INFINITY;
    if (this.#runner) this.#runner.process.fuse = Number.POSITIVE_INFINITY;
  }

  [Symbol.dispose](): void {
    this.#up = false;
    this.#link.kill();
    this.#runner?.process.kill();
    this.disk[Symbol.dispose]();
  }

  #startLink(): void {
    const process = new SimulatedProcess('link');
    this.#link = process;
    process.atDeath(() => {
      this.#surroundings.killed(process);
      this.#surroundings.time.after(SUPERVISOR_MS, () => this.#up && this.#link === process && this.#startLink());
    });
    void keepLinked(this.#linkDeps(process), new AbortController().signal);
  }

  #linkDeps(process: SimulatedProcess): LinkDeps {
    const { network, ids, log, key } = this.#surroundings;
    const clock = this.machine.clock.of(process);
    const base = { clock, ids, log };
    const stateDir = this.disk.folderOf('link', process);
    const outbox = Outbox.open(stateDir, log);
    const deliveries = new Deliveries(outbox, new Chunks(), ({ actionId, report }) => runner.kept(actionId, report));
    const runner = new RunnerClient({
      ...base,
      connect: () => this.#reachRunner(process),
      onTold: (message) => deliveries.take(message),
    });
    return {
      ...{ ...base, deliveries, runner, key, serverName: nameOf(this.serverId) },
      dial: () => network.dial(process),
      backoff: new Backoff(ids),
      identity: { serverId: this.serverId, serverName: nameOf(this.serverId), publicKey: key.publicKey },
      controlPlaneKey: controlPlaneKey.publicKey,
      agentVersion: 'simulation',
      capabilities: () => [...capabilityIds],
      facts: (root): ServerFacts => ({ ...facts, root, bootId: this.machine.bootId }),
      remembered: new RememberedAbout(stateDir, log),
      unknownRunner: async () => ({ root: false, policy: summaryOf(defaultPolicy) }),
      observeHere: () => Promise.reject(new Error('the simulation asks for nothing that needs no root')),
      sample: async (): Promise<StatusSample> => ({ at: clock.now(), ...figures }),
      onThresholds: () => undefined,
      onState: () => undefined,
      policyStamp: () => 'always the same',
    };
  }

  /** The runner's socket: it is started by whoever connects. */
  async #reachRunner(link: SimulatedProcess): Promise<RunnerStreams> {
    await link.pass('reach the runner');
    const { process, service } = this.#runnerThatRuns();
    const [toRunner, toLink] = [new PassThrough(), new PassThrough()];
    service.serve(toRunner, toLink);
    // It can die while it takes the connection: then that is gone as well.
    if (!process.alive) throw new Error('the runner was gone at once');
    const cut = () => void [toRunner.destroy(), toLink.destroy()];
    process.atDeath(cut);
    link.atDeath(cut);
    return { input: toLink, output: toRunner };
  }

  #runnerThatRuns() {
    if (this.#runner?.process.alive) return this.#runner;
    const { ids, log } = this.#surroundings;
    const process = new SimulatedProcess('runner');
    process.atDeath(() => {
      this.#surroundings.killed(process);
      this.machine.runnerDied();
    });
    const parts = startRunner({ process, machine: this.machine, disk: this.disk, ids, log });
    const service = new RunnerService({
      ...parts,
      idleMs: RUNNER_IDLE_MS,
      onIdle: () => process.kill('idle'),
      endWithLinks: false,
    });
    this.#runner = { process, parts, service };
    return this.#runner;
  }
}

const figures = {
  load1PerCpu: 0.1,
  memoryUsedRatio: 0.1,
  swapUsedRatio: 0,
  fullestMount: { mount: '/', usedRatio: 0.1 },
  failedUnits: 0,
  uptimeS: 1000,
};
