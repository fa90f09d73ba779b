/**
 * One interleaving: a story is told to the real control plane and the real runner, while fast-check's scheduler decides
 * whose turn it is at every use of the database and for every message between them. Then all is delivered, the clocks run
 * out, everything is delivered once more, and the checker looks.
 */
import assert from 'node:assert/strict';
import type { Report } from '@countersign/agent/run/runner-wire';
import { Fault, type SignedGrant } from '@countersign/protocol';
import type { Scheduler } from 'fast-check';
import { Chance } from './chance.ts';
import { EffectLedger } from './effect-ledger.ts';
import { checkAction, checkEnded, checkWindow } from './lifecycle-check.ts';
import type { Bench, Plane, ServerRunner } from './lifecycle-parts.ts';
import { Machine } from './machine.ts';
import { policyInForce, strictPolicy, usualPolicy } from './simulated-heart.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { Ask, Move, Story } from './story.ts';
import { VirtualDisk } from './virtual-disk.ts';
import { EPOCH, MachineClock, rest, VirtualTime } from './virtual-time.ts';

const usual = policyInForce(usualPolicy);
const strict = policyInForce(strictPolicy);
const APPROVALS = { low: 0, medium: 1, high: 2, critical: null } as const;
/** Who may approve, by number. The fourth may only look. */
const MAY_APPROVE = [true, true, true, false];
const ROUNDS_MAX = 14;

interface Asked {
  readonly id: string;
  readonly risk: Ask['risk'];
  readonly approvers: Set<string>;
  readonly decisions: string[];
}

export class Interleaving {
  readonly #scheduler: Scheduler;
  readonly #story: Story;
  readonly #bench: Bench;
  readonly #chance: Chance;
  readonly #time: VirtualTime;
  readonly #machine: Machine;
  readonly #disk = new VirtualDisk();
  readonly #ledger = new EffectLedger();
  readonly #clock: MachineClock;
  /** All that was asked for, by action id. The same request twice is one action. */
  readonly #actions = new Map<string, Asked>();
  /** The newest action of each ask. */
  readonly #newest = new Map<number, Asked>();
  readonly #grants = new Map<string, SignedGrant>();
  readonly #reports: Report[] = [];
  readonly #problems: unknown[] = [];
  readonly #serverId: string;
  #controlPlane: Plane | undefined;
  #runnerProcess = new SimulatedProcess('runner');
  #server: ServerRunner | undefined;
  #linked = true;
  #strict = false;
  /** Nothing waits for the scheduler: before the story begins, and after it. */
  #settling = true;

  constructor(scheduler: Scheduler, story: Story, bench: Bench) {
    this.#scheduler = scheduler;
    this.#story = story;
    this.#bench = bench;
    this.#serverId = bench.nextServer();
    this.#chance = new Chance(story.seed);
    this.#time = new VirtualTime(this.#chance);
    this.#time.now = bench.beginsAt;
    this.#clock = new MachineClock(this.#time);
    const machine = { serverId: this.#serverId, time: this.#time, chance: this.#chance, ledger: this.#ledger };
    const systemd = this.#chance.happens(0.5);
    this.#machine = new Machine({ ...machine, systemd, stepMs: 3000, failing: 0.2 });
  }

  /** Tells the story to its end and checks what became of it. */
  async run(): Promise<void> {
    using _disk = this.#disk;
    await this.#startControlPlane();
    this.#startRunner();
    this.#settling = false;
    for (const [n] of this.#story.asks.entries()) this.#later(`ask ${n}`, () => this.#ask(n));
    await this.#scheduler.waitIdle();
    for (const move of this.#story.moves) this.#later(JSON.stringify(move), () => this.#move(move));
    await this.#scheduler.waitIdle();
    await this.#settle();
    await this.#check();
    await this.#replay();
    this.#bench.beginsAt = this.#time.now + 3_600_000;
    this.#runnerProcess.kill();
  }

  // What people, clocks and links do.

  #later(label: string, work: () => unknown): void {
    void this.#scheduler.schedule(Promise.resolve(), label).then(async () => {
      try {
        await work();
      } catch (error) {
        // The product says no, in its own words; everything else is a defect.
        if (!(error instanceof Fault)) this.#problems.push(error);
      }
    });
  }

  async #ask(n: number): Promise<void> {
    const ask = this.#story.asks[n];
    if (!ask) return;
    const id = await this.#plane().propose(this.#serverId, ask);
    const asked = this.#actions.get(id) ?? { id, risk: ask.risk, approvers: new Set<string>(), decisions: [] };
    this.#actions.set(id, asked);
    this.#newest.set(n, asked);
  }

  async #move(move: Move): Promise<void> {
    switch (move.do) {
      case 'approve':
      case 'reject':
        return this.#decide(move);
      case 'ask again':
        return this.#ask(move.of);
      case 'withdraw':
      case 'stop':
      case 'close': {
        const asked = this.#newest.get(move.of);
        if (asked) await this.#plane().act(move.do, asked.id);
        return;
      }
      case 'sweep':
        return this.#plane().sweep(move.which, this.#serverId);
      case 'pause':
        return this.#plane().pause(move.on);
      case 'pass':
        return this.#time.passUntil(this.#time.now + move.ms);
      default:
        this.#befall(move);
    }
  }

  #befall(move: Extract<Move, { do: 'link' | 'policy' | 'drift' | 'server clock' | 'crash' }>): void {
    if (move.do === 'link') {
      this.#linked = move.up;
      if (move.up) this.#attach();
    } else if (move.do === 'policy') this.#strict = move.strict;
    else if (move.do === 'drift') this.#machine.drift(`${this.#story.asks[move.of]?.unit ?? 'nginx'}.service`);
    else if (move.do === 'server clock') this.#machine.clock.offsetMs = move.ms;
    else if (move.what === 'runner') this.#runnerProcess.fuse = move.after;
    else this.#bench.process.fuse = move.after;
  }

  async #decide(move: Extract<Move, { do: 'approve' | 'reject' }>): Promise<void> {
    const asked = this.#newest.get(move.of);
    if (!asked) return;
    const wrong = move.do === 'approve' && move.digest === 'wrong';
    const digest = wrong ? 'f'.repeat(64) : await this.#plane().digestOf(asked.id);
    if (move.do === 'approve' && !wrong && MAY_APPROVE[move.by]) asked.approvers.add(String(move.by));
    const outcome = await this.#plane().decide(asked.id, move.by, move.do, digest);
    assert.ok(!wrong && MAY_APPROVE[move.by], `a verdict counted that must not: ${JSON.stringify(move)}`);
    if (outcome !== 'counted') asked.decisions.push(outcome === 'approved' ? 'approve' : 'reject');
  }

  // The two programs, which may be killed, and what is between them.

  #plane(): Plane {
    assert.ok(this.#controlPlane);
    return this.#controlPlane;
  }

  async #startControlPlane(): Promise<void> {
    this.#bench.turn = () =>
      this.#settling ? Promise.resolve() : this.#scheduler.schedule(Promise.resolve(), 'database');
    this.#controlPlane = await this.#bench.startPlane({
      clock: this.#clock.of(this.#bench.process),
      fleet: {
        isOnline: () => this.#linked,
        foretell: () => null,
        preview: (_server, draft, signal) =>
          this.#runner().preview(draft, 20_000, signal ?? new AbortController().signal),
        dispatch: async (_server, grant) => this.#sendGrant(grant),
        stop: async (_server, actionId) => this.#send(`stop ${actionId}`, () => this.#runner().stop(actionId)),
        confirm: async () => undefined,
      },
      policy: () => (this.#strict ? strict : usual),
    });
  }

  #runner(): ServerRunner {
    assert.ok(this.#server);
    return this.#server;
  }

  #startRunner(): void {
    const process = this.#runnerProcess;
    const { ids } = this.#bench;
    this.#server = this.#bench.startRunner({ process, machine: this.#machine, disk: this.#disk, ids });
    process.atDeath(() => this.#machine.runnerDied());
    this.#attach();
  }

  /** The link listens: it is told first what nobody has stored yet. */
  #attach(): void {
    const process = this.#runnerProcess;
    if (!process.alive) return;
    this.#runner().attach((message) => {
      if (message.type !== 'report' || !process.alive) return;
      this.#reports.push(message.report);
      this.#send(`${message.report.kind} ${message.report.actionId}`, () => this.#record(message.report));
    });
  }

  async #record(report: Report): Promise<void> {
    const plane = this.#plane();
    await plane.record(this.#serverId, report);
    this.#send(`kept ${report.actionId}`, () => this.#runner().kept(report.actionId, report.kind));
  }

  #sendGrant(grant: SignedGrant): void {
    this.#grants.set(grant.grant.actionId, grant);
    this.#send(`grant ${grant.grant.actionId}`, () => {
      const copy = JSON.parse(JSON.stringify(grant)) as SignedGrant;
      this.#runner().accept(copy, this.#machine.clock.offsetMs);
    });
  }

  /** A message on its way: once, twice, never; when, is up to the scheduler. */
  #send(label: string, deliver: () => unknown): void {
    if (!this.#linked) return;
    const copies = this.#settling || this.#chance.happens(0.75) ? 1 : this.#chance.pick([0, 2]);
    for (let n = 0; n < copies; n += 1)
      if (this.#settling) void this.#deliver(deliver);
      else this.#later(label, () => this.#deliver(deliver));
  }

  async #deliver(deliver: () => unknown): Promise<void> {
    if (!this.#bench.process.alive || !this.#runnerProcess.alive) return;
    try {
      await deliver();
    } catch (error) {
      if (!(error instanceof Fault) && this.#runnerProcess.alive) this.#problems.push(error);
    }
  }

  // The end.

  async #settle(): Promise<void> {
    this.#settling = true;
    [this.#strict, this.#linked, this.#machine.clock.offsetMs] = [false, true, 0];
    this.#bench.process.fuse = this.#runnerProcess.fuse = Number.POSITIVE_INFINITY;
    for (let round = 1; round <= ROUNDS_MAX; round += 1) {
      await this.#revive();
      await this.#plane().pause(false);
      for (const which of ['resume', 'expire', 'dispatch', 'resend', 'lose'] as const)
        await this.#plane().sweep(which, this.#serverId);
      await rest();
      const idle = this.#runner().running === 0;
      if (idle && (await this.#plane().open()) === 0) break;
      await this.#time.passUntil(this.#time.now + (round < 3 ? 10_000 : 120_000));
    }
    this.#attach();
    await rest();
  }

  async #revive(): Promise<void> {
    if (!this.#bench.process.alive) {
      this.#bench.process = new SimulatedProcess('control plane');
      await this.#startControlPlane();
    }
    if (!this.#runnerProcess.alive) {
      this.#runnerProcess = new SimulatedProcess('runner');
      this.#startRunner();
    }
  }

  async #check(): Promise<void> {
    if (this.#problems.length > 0) throw this.#problems[0];
    for (const action of await this.#bench.factsOf([...this.#actions.keys()])) {
      const asked = this.#actions.get(action.id);
      assert.ok(asked);
      const effects = this.#ledger.of(action.id);
      checkAction(action, { ...asked, needed: APPROVALS[asked.risk] }, effects);
      checkWindow(action, effects, EPOCH);
      checkEnded(action);
    }
    await this.#bench.checkAudit();
  }

  /** Everything is delivered once more: nothing may change. */
  async #replay(): Promise<void> {
    const ids = [...this.#actions.keys()];
    const [before, effects] = [await this.#bench.factsOf(ids), this.#ledger.effects.length];
    for (const grant of this.#grants.values()) this.#sendGrant(grant);
    for (const report of [...this.#reports]) await this.#deliver(() => this.#record(report));
    await this.#time.passUntil(this.#time.now + 30_000);
    const after = await this.#bench.factsOf(ids);
    assert.deepEqual(after, before, 'messages that came again changed something');
    assert.equal(this.#ledger.effects.length, effects, 'a grant that came again had an effect');
  }
}
