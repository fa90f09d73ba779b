/**
 * The machine under an agent: units with a main PID, steps that take a while and outlive the runner where systemd runs them,
 * a boot id. What steps do goes to the effect ledger.
 */
import type { ChangeContext, Changers, Observers } from '@countersign/agent/capabilities/capability';
import type { Json, PlanDraft, Preview, StepResult } from '@countersign/protocol';
import type { Chance } from './chance.ts';
import type { EffectLedger } from './effect-ledger.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { MachineClock, type VirtualTime } from './virtual-time.ts';

interface Job {
  readonly done: Promise<void>;
  readonly exitCode: number;
  end(): void;
  ended: boolean;
}

export interface MachineOptions {
  readonly serverId: string;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly ledger: EffectLedger;
  /** Whether steps outlive the runner, as transient units do. */
  readonly systemd: boolean;
  /** How long a step takes at most, milliseconds. */
  readonly stepMs: number;
  /** How often a step fails, 0 to 1. */
  readonly failing: number;
}

export class Machine {
  readonly clock: MachineClock;
  readonly options: MachineOptions;
  /** Units whose restart does not bring them up. */
  readonly broken = new Set<string>();
  #boots = 1;
  #host: SimulatedProcess;
  #pids = new Map<string, number>();
  #jobs = new Map<string, Job>();

  constructor(options: MachineOptions) {
    this.options = options;
    this.clock = new MachineClock(options.time);
    this.#host = new SimulatedProcess(`host ${options.serverId}`);
  }

  get bootId(): string {
    return `boot-${this.#boots}`;
  }

  /** Whatever ran is gone. */
  reboot(): void {
    this.#host.kill();
    this.#boots += 1;
    this.#host = new SimulatedProcess(`host ${this.options.serverId}`);
    this.#jobs.clear();
    for (const [unit, pid] of this.#pids) this.#pids.set(unit, pid + 1000);
  }

  /** Without systemd, what a runner started dies with it. */
  runnerDied(): void {
    if (this.options.systemd) return;
    for (const [key, job] of this.#jobs) {
      job.end();
      this.#jobs.delete(key);
    }
  }

  /** Somebody else restarts a unit. */
  drift(unit: string): void {
    this.#pids.set(unit, this.pidOf(unit) + 1);
  }

  pidOf(unit: string): number {
    return this.#pids.get(unit) ?? 100;
  }

  /** What a plan of one step would do. */
  previewOf({ steps }: Pick<PlanDraft, 'steps'>): Preview {
    const made: Preview = { steps: [], witness: [], predictable: true };
    for (const { id, parameters } of steps) {
      const { preview, witness } = this.#preview(String(parameters.unit), 'restart');
      made.steps.push({ step: id, ...preview });
      made.witness.push(...witness);
    }
    return made;
  }

  /** Carries out a step; resolves with its exit code, or never when the machine goes down. */
  async run(actionId: string, step: string, unit: string): Promise<number> {
    const job = this.#start(unit, 'run', { actionId, step });
    await job.done;
    return job.exitCode;
  }

  /** How a step ended that an earlier runner began; null when nobody knows. */
  async found(actionId: string, step: string): Promise<number | null> {
    const job = this.#jobs.get(`${actionId} ${step}`);
    await job?.done;
    return job?.exitCode ?? null;
  }

  observers(process: SimulatedProcess): Observers {
    const observers: Partial<Observers> = {
      'unit.state': async ({ unit }) => {
        await process.pass('observe');
        const active_state = this.broken.has(unit) ? 'failed' : 'active';
        const main_pid = this.pidOf(unit);
        const rest = {
          sub_state: '',
          unit_file_state: '',
          enabled: true,
          result: '',
          restarts: 0,
          can_reload: true,
          active_since: null,
        };
        return { exists: true, active_state, main_pid, ...rest };
      },
    };
    return observers as Observers;
  }

  /** Only `unit.start` can be taken back. Both count as effects wherever they are carried out. */
  changers(process: SimulatedProcess): Changers {
    const preview = async (unit: string, word: string) => {
      await process.pass('preview');
      return this.#preview(unit, word);
    };
    const perform = (unit: string, kind: 'run' | 'undo', context: ChangeContext) =>
      this.#perform(process, unit, kind, context);
    const recover = (context: ChangeContext) => this.#recover(process, context);
    const forGood = (word: string) => ({
      predictable: true,
      preview: ({ unit }: { unit: string }) => preview(unit, word),
      perform: ({ unit }: { unit: string }, _memory: Json, context: ChangeContext) => perform(unit, 'run', context),
      recover: (_parameters: unknown, _memory: Json, context: ChangeContext) => recover(context),
    });
    const changers: Partial<Changers> = {
      'unit.reload': forGood('reload'),
      'unit.restart': forGood('restart'),
      'unit.start': {
        predictable: true,
        preview: ({ unit }) => preview(unit, 'start'),
        remember: async ({ unit }): Promise<Json> => ({ pid: this.pidOf(unit) }),
        perform: ({ unit }, _memory, context) => perform(unit, 'run', context),
        undo: ({ unit }, _memory, context) => perform(unit, 'undo', context),
        recover: (_parameters, _memory, context) => recover(context),
      },
    };
    return changers as Changers;
  }

  #preview(unit: string, word: string) {
    const argv = [['/usr/bin/systemctl', word, '--', unit]];
    return {
      preview: { argv, diff: null, effects: [`${word} of ${unit}`], undo: null },
      witness: [{ subject: `unit ${unit}`, property: 'main_pid', value: this.pidOf(unit) }],
    };
  }

  async #perform(
    process: SimulatedProcess,
    unit: string,
    kind: 'run' | 'undo',
    context: ChangeContext,
  ): Promise<StepResult> {
    await process.pass(`before ${kind}`);
    const job = this.#start(unit, kind, context);
    await process.pass(`after ${kind}`);
    const onAbort = () => job.end();
    context.signal.addEventListener('abort', onAbort, { once: true });
    context.onOutput(`${kind} of ${unit}\n`);
    await job.done;
    await process.pass(`ended ${kind}`);
    context.signal.throwIfAborted();
    return { changed: true, exit_code: job.exitCode, summary: `${unit} ended with ${job.exitCode}.` };
  }

  async #recover(process: SimulatedProcess, { actionId, step }: ChangeContext): Promise<StepResult | null> {
    await process.pass('recover');
    const job = this.#jobs.get(`${actionId} ${step}`);
    if (!job) return null;
    await job.done;
    await process.pass('recovered');
    return { changed: true, exit_code: job.exitCode, summary: `Found: it ended with ${job.exitCode}.` };
  }

  #start(unit: string, kind: 'run' | 'undo', { actionId, step }: { actionId: string; step: string }): Job {
    const { serverId, time, chance, ledger, stepMs, failing } = this.options;
    const serverClock = this.clock.of(this.#host).now();
    ledger.effects.push({ at: time.now, serverClock, serverId, actionId, step, kind });
    this.#pids.set(unit, this.pidOf(unit) + 1);
    const done = Promise.withResolvers<void>();
    const host = this.#host;
    const job: Job = {
      done: done.promise,
      exitCode: chance.happens(failing) ? 1 : 0,
      ended: false,
      end: () => {
        job.ended = true;
        done.resolve();
      },
    };
    this.#jobs.set(`${actionId} ${step}`, job);
    time.after(chance.between(1, stepMs), () => host.alive && job.end());
    return job;
  }
}
