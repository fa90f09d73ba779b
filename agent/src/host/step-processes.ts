/** The processes of one step of one action: as transient units where systemd runs the machine, else as our children. */
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Clock, delay } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import { environmentFile } from './env-file.ts';
import { execute, wholeLines } from './exec.ts';
import type { Executed, StartRequest, StepProcesses } from './execution.ts';
import { OutputFile } from './output-file.ts';
import { replaceOwnFile } from './own-files.ts';
import { type FoundUnit, findUnit, forgetUnit, startUnit, stopUnit } from './unit.ts';

const POLL_FIRST_MS = 10;
const POLL_MAX_MS = 200;

/** The most processes that one step starts. */
const PROCESSES_MAX = 20;

export interface StepIdentity {
  readonly actionId: string;
  readonly step: string;
  /** Where output files are kept until the result is journaled. */
  readonly stateDir: string;
  readonly clock: Clock;
}

/** The name of the unit that is the process number `index` (from 1) of a step. */
export function unitNameOf(actionId: string, step: string, index: number): string {
  return `countersign-${actionId}-${step}${index === 1 ? '' : `-${index}`}.service`;
}

/** As transient units: they outlive this process, and a second start of the same name is refused. Needs root. */
export function unitProcesses(identity: StepIdentity): StepProcesses {
  return new UnitProcesses(identity);
}

class UnitProcesses implements StepProcesses {
  readonly #identity: StepIdentity;
  #started = 0;
  /** The last one that was stopped: systemd then does not know it any more, and its output is still there. */
  #stopped = 0;

  constructor(identity: StepIdentity) {
    this.#identity = identity;
  }

  async start(request: StartRequest): Promise<Executed> {
    request.signal?.throwIfAborted();
    this.#started += 1;
    const index = this.#started;
    const outputFile = this.#output(index).create();
    const notStarted = await this.#startUnit(index, request, outputFile);
    if (notStarted !== null) return notStartedBecause(notStarted);
    return (await this.#follow(index, request)) ?? notStartedBecause('the unit is gone');
  }

  /** What the unit reads when it begins may hold secrets: it lies in files of the runner's own until then and no longer. */
  async #startUnit(index: number, request: StartRequest, outputFile: string): Promise<string | null> {
    const { actionId, step } = this.#identity;
    const [inputFile, variablesFile] = this.#given(index);
    const { input, env } = request;
    try {
      if (input !== undefined) replaceOwnFile(inputFile, input, 0o600);
      if (env !== undefined) replaceOwnFile(variablesFile, environmentFile(env), 0o600);
      const { notStarted } = await startUnit(execute, this.#name(index), {
        ...request,
        outputFile,
        description: `Countersign ${actionId} ${step}`,
        inputFile: input === undefined ? null : inputFile,
        environmentFile: env === undefined ? null : variablesFile,
      });
      return notStarted;
    } finally {
      this.#forgetGiven(index);
    }
  }

  /** Where input and environment of a process lie until it has begun. */
  #given(index: number): [string, string] {
    const output = this.#output(index);
    return [output.beside('in'), output.beside('env')];
  }

  #forgetGiven(index: number): void {
    for (const file of this.#given(index)) rmSync(file, { force: true });
  }

  ended(index: number, onOutput?: (text: string) => void): Promise<Executed | null> {
    return this.#follow(index, onOutput ? { onOutput } : {});
  }

  async stop(): Promise<void> {
    for (const index of await this.#known()) {
      await stopUnit(execute, this.#name(index));
      this.#stopped = Math.max(this.#stopped, index);
    }
  }

  async forget(): Promise<void> {
    for (const index of await this.#known()) {
      await forgetUnit(execute, this.#name(index));
      this.#output(index).remove();
      this.#forgetGiven(index);
    }
  }

  /** Looks at the unit until it has ended, and hands on what it prints. `null` when there is no such unit. */
  async #follow(index: number, { onOutput, maxBytes, signal }: Partial<StartRequest>): Promise<Executed | null> {
    const { clock } = this.#identity;
    const output = this.#output(index);
    const begun = clock.monotonic();
    const lines = onOutput && wholeLines(onOutput);
    for (let wait = POLL_FIRST_MS; ; wait = Math.min(wait * 2, POLL_MAX_MS)) {
      const found = await findUnit(execute, this.#name(index));
      for (const chunk of output.readNew()) lines?.add(chunk);
      if (found.state === 'absent') return null;
      if (found.state === 'ended') {
        lines?.end();
        return executedOf(found, output.kept(maxBytes), clock.monotonic() - begun);
      }
      try {
        await delay(clock, wait, signal);
      } catch (reason) {
        await stopUnit(execute, this.#name(index));
        throw reason;
      }
    }
  }

  /** Numbers of the processes of this step that systemd knows, whoever started them. */
  async #known(): Promise<number[]> {
    const known: number[] = [];
    for (let index = 1; index <= PROCESSES_MAX; index += 1) {
      if (
        index > Math.max(this.#started, this.#stopped) &&
        (await findUnit(execute, this.#name(index))).state === 'absent'
      )
        break;
      known.push(index);
    }
    return known;
  }

  #name(index: number): string {
    return unitNameOf(this.#identity.actionId, this.#identity.step, index);
  }

  #output(index: number): OutputFile {
    const { actionId, step, stateDir } = this.#identity;
    return new OutputFile(join(stateDir, 'units'), `${actionId}-${step}-${index}.out`);
  }
}

function executedOf(
  found: Extract<FoundUnit, { state: 'ended' }>,
  kept: { readonly text: string; readonly truncated: boolean },
  ms: number,
): Executed {
  return {
    exitCode: found.exitCode,
    signal: found.signal === null ? null : signalName(found.signal),
    stdout: kept.text,
    stderr: '',
    timedOut: found.timedOut,
    truncated: kept.truncated,
    ms,
    notStarted: null,
  };
}

/** As children of this process: for a machine without systemd, or an agent that is not root. They cannot be found again. */
export function childProcesses({ clock }: Pick<StepIdentity, 'clock'>): StepProcesses {
  const running = new Set<{ readonly end: AbortController; readonly done: Promise<unknown> }>();
  return {
    async start(request) {
      const end = new AbortController();
      const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal;
      failPoint('host.process.before_start');
      const done = execute({ ...request, signal }, clock);
      failPoint('host.process.after_start');
      const entry = { end, done: done.catch(() => undefined) };
      running.add(entry);
      try {
        return await done;
      } finally {
        running.delete(entry);
      }
    },
    ended: async () => null,
    async stop() {
      for (const { end } of running) end.abort(new Error('the step was stopped'));
      await Promise.all([...running].map(({ done }) => done));
    },
    forget: async () => undefined,
  };
}

function notStartedBecause(notStarted: string): Executed {
  return { exitCode: null, signal: null, stdout: '', stderr: '', timedOut: false, truncated: false, ms: 0, notStarted };
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
