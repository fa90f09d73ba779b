/** The processes of one step of one action: as transient units where systemd runs the machine, else as our children. */
import { constants } from 'node:os';
import { join } from 'node:path';
import { type Clock, delay } from '@countersign/protocol';
import { execute, wholeLines } from './exec.ts';
import type { Executed, StartRequest, StepProcesses } from './execution.ts';
import { OutputFile } from './output-file.ts';
import { findUnit, forgetUnit, startUnit, stopUnit } from './unit.ts';

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
export function unitProcesses({ actionId, step, stateDir, clock }: StepIdentity): StepProcesses {
  let started = 0;
  const outputOf = (index: number) => new OutputFile(join(stateDir, 'units'), `${actionId}-${step}-${index}.out`);

  const follow = async (index: number, request: Partial<StartRequest>): Promise<Executed | null> => {
    const name = unitNameOf(actionId, step, index);
    const output = outputOf(index);
    const begun = clock.monotonic();
    const lines = request.onOutput && wholeLines(request.onOutput);
    for (let wait = POLL_FIRST_MS; ; wait = Math.min(wait * 2, POLL_MAX_MS)) {
      const found = await findUnit(execute, name);
      for (const chunk of output.readNew()) lines?.add(chunk);
      if (found.state === 'absent') return null;
      if (found.state === 'ended') {
        lines?.end();
        const kept = output.kept(request.maxBytes);
        return {
          exitCode: found.exitCode,
          signal: found.signal === null ? null : signalName(found.signal),
          stdout: kept.text,
          stderr: '',
          timedOut: found.timedOut,
          truncated: kept.truncated,
          ms: clock.monotonic() - begun,
          notStarted: null,
        };
      }
      try {
        await delay(clock, wait, request.signal);
      } catch (reason) {
        await stopUnit(execute, name);
        throw reason;
      }
    }
  };

  return {
    async start(request) {
      request.signal?.throwIfAborted();
      started += 1;
      const outputFile = outputOf(started).create();
      const description = `Countersign ${actionId} ${step}`;
      const { notStarted } = await startUnit(execute, unitNameOf(actionId, step, started), {
        ...request,
        outputFile,
        description,
      });
      if (notStarted !== null) return notStartedBecause(notStarted);
      return (await follow(started, request)) ?? notStartedBecause('the unit is gone');
    },
    ended: (index, onOutput) => follow(index, onOutput ? { onOutput } : {}),
    async stop() {
      for (let index = 1; index <= Math.max(started, 1); index += 1)
        await stopUnit(execute, unitNameOf(actionId, step, index));
    },
    async forget() {
      for (let index = 1; index <= PROCESSES_MAX; index += 1) {
        const name = unitNameOf(actionId, step, index);
        const known = index <= started || (await findUnit(execute, name)).state !== 'absent';
        if (!known) break;
        await forgetUnit(execute, name);
        outputOf(index).remove();
      }
    },
  };
}

/** As children of this process: for a machine without systemd, or an agent that is not root. They cannot be found again. */
export function childProcesses({ clock }: Pick<StepIdentity, 'clock'>): StepProcesses {
  const running = new Set<{ readonly end: AbortController; readonly done: Promise<unknown> }>();
  return {
    async start(request) {
      const end = new AbortController();
      const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal;
      const done = execute({ ...request, signal }, clock);
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
