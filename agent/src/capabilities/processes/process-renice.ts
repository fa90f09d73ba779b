import { capability, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import { howItEnded } from '../../host/execution.ts';
import { readThreads } from '../../host/processes.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { findProcess, processWitness, touchable } from './same-process.ts';

type Parameters = ParametersOf<'process.renice'>;

const OPTIONS = { timeoutMs: capability('process.renice').timeoutMs };

/** So many numbers a command line takes. Each thread has a nice value of its own. Source: setpriority(2). */
const THREADS_MAX = 50;
const IDLE = 3;

/** Class and level as ionice(1) counts them. */
const memorySchema = z.object({
  threads: z.array(z.object({ tid: z.int(), nice: z.int() })),
  io_class: z.int(),
  io_level: z.int(),
});

/** Lets others go first. The process keeps whatever nobody else wants. */
export const processRenice: Changer<'process.renice'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const found = touchable(parameters);
    const threads = threadsOf(parameters);
    const io = await ioOf(context, parameters.pid);
    if (parameters.nice <= found.nice)
      throw fault('precondition_failed', {
        reason: `process ${found.pid} has nice ${found.nice} already, and ${parameters.nice} would not be less of the CPU`,
      });
    return {
      preview: {
        argv: callsOf(parameters, threads),
        diff: null,
        effects: [
          `${found.name} (process ${found.pid} of ${parameters.unit}, ${count(threads.length, 'thread')}) goes from nice ${found.nice} to ${parameters.nice}: when others want the CPU too, they get more of it.`,
          'It reads and writes disks only when nobody else does.',
        ],
        undo: `Its threads get their nice values back (${found.nice}), and its disk class (${io.said}).`,
      },
      witness: [
        ...processWitness(found, parameters.unit),
        { subject: `process ${found.pid}`, property: 'nice', value: found.nice },
      ],
    };
  },
  async remember(parameters, context) {
    touchable(parameters);
    const { io_class, io_level } = await ioOf(context, parameters.pid);
    return { threads: threadsOf(parameters).map(({ tid, nice }) => ({ tid, nice })), io_class, io_level };
  },
  async perform(parameters, _, context) {
    touchable(parameters);
    return carryOut(context, callsOf(parameters, threadsOf(parameters)), `It has nice ${parameters.nice} now.`);
  },
  async undo(parameters, memory, context) {
    if (findProcess(parameters) === null)
      return { changed: false, exit_code: 0, summary: `Process ${parameters.pid} has ended meanwhile.` };
    const { threads, io_class: ioClass, io_level: level } = memorySchema.parse(memory);
    const there = withFormerNice(readThreads(parameters.pid), threads);
    const byNice = Map.groupBy(there, ({ nice }) => nice);
    const calls = [...byNice].map(([nice, those]) => reniceArgv(nice, those));
    calls.push(ioniceArgv(there, ioClass, level));
    return carryOut(context, calls, 'It has its former nice value and disk class again.');
  },
  async recover(parameters, _, context) {
    const ended = await recoverCalls(context, 2);
    if (ended === null) return null;
    const changed = findProcess(parameters)?.nice === parameters.nice;
    return { ...recoveredResult(ended, `its nice value ${changed ? 'is' : 'is not'} ${parameters.nice}.`), changed };
  },
};

function threadsOf({ pid }: Parameters) {
  const threads = readThreads(pid);
  if (threads.length > THREADS_MAX)
    throw fault('precondition_failed', {
      reason: `process ${pid} has ${threads.length} threads, and no more than ${THREADS_MAX} are reniced: give its unit less of the CPU instead`,
    });
  return threads;
}

interface Thread {
  readonly tid: number;
}

interface NiceThread extends Thread {
  readonly nice: number;
}

/** Threads with what they had before. One that was begun meanwhile took over what its process was given, so it gets what the main thread had. */
export function withFormerNice(there: readonly Thread[], before: readonly NiceThread[]): NiceThread[] {
  const former = new Map(before.map(({ tid, nice }) => [tid, nice]));
  const main = before[0]?.nice ?? 0;
  return there.map(({ tid }) => ({ tid, nice: former.get(tid) ?? main }));
}

function callsOf({ nice }: Parameters, threads: readonly Thread[]): string[][] {
  return [reniceArgv(nice, threads), ioniceArgv(threads, IDLE, 0)];
}

const numbers = (threads: readonly Thread[]) => threads.map(({ tid }) => String(tid));
const reniceArgv = (nice: number, threads: readonly Thread[]) => [
  'renice',
  '-n',
  String(nice),
  '-p',
  ...numbers(threads),
];

/** Only the middle classes have levels. */
function ioniceArgv(threads: readonly Thread[], ioClass: number, level: number): string[] {
  const withLevel = ioClass === 1 || ioClass === 2 ? ['-n', String(level)] : [];
  return ['ionice', '-c', String(ioClass), ...withLevel, '-p', ...numbers(threads)];
}

const IO_CLASSES = ['none', 'realtime', 'best-effort', 'idle'];

/** `none: prio 0`, `best-effort: prio 4`, `idle`. Rejects with `capability_failed` when it cannot be asked. */
async function ioOf(context: ObserveContext, pid: number) {
  const done = await context.exec({ argv: ['ionice', '-p', String(pid)], timeoutMs: 5000, signal: context.signal });
  const said = done.stdout.trim();
  const io = parseIoClass(said);
  if (io === null)
    throw fault('capability_failed', {
      capability: 'ionice',
      reason: done.exitCode === 0 ? 'it says something unknown' : howItEnded(done),
    });
  return { ...io, said };
}

/** What ionice(1) prints of a process, or `null`. */
export function parseIoClass(text: string): { readonly io_class: number; readonly io_level: number } | null {
  const [, name = '', level] = /^([a-z-]+)(?:: prio (\d+))?$/.exec(text) ?? [];
  const ioClass = IO_CLASSES.indexOf(name);
  return ioClass < 0 ? null : { io_class: ioClass, io_level: Number(level ?? 0) };
}

async function carryOut(
  context: ChangeContext,
  calls: readonly (readonly string[])[],
  said: string,
): Promise<StepResult> {
  return (await startAll(context, calls, OPTIONS)) ?? { changed: true, exit_code: 0, summary: said };
}
