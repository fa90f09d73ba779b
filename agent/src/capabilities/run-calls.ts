import type { StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../host/execution.ts';
import type { ChangeContext } from './capability.ts';
import { exitCodeOf } from './exit-code.ts';

/** How a row of calls went: the last one that was started, and how many ended well. */
export interface Calls {
  readonly last: Executed | null;
  readonly argv: readonly string[];
  readonly done: number;
}

export interface CallOptions {
  /** How long each may take. */
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts programs one after the other, as processes of the step, and ends at the first that fails. */
export async function runCalls(
  context: ChangeContext,
  calls: readonly (readonly string[])[],
  options: CallOptions,
): Promise<Calls> {
  let last: Executed | null = null;
  for (const [done, argv] of calls.entries()) {
    last = await context.processes.start({ argv, ...options, signal: context.signal, onOutput: context.onOutput });
    if (last.exitCode !== 0) return { last, argv, done };
  }
  return { last, argv: calls.at(-1) ?? [], done: calls.length };
}

/** Starts programs as {@link runCalls} does. `null` when all ended well, else the step's result: which one did not, and how it ended. */
export async function startAll(
  context: ChangeContext,
  calls: readonly (readonly string[])[],
  options: CallOptions,
): Promise<StepResult | null> {
  const { last, argv, done } = await runCalls(context, calls, options);
  if (last === null || last.exitCode === 0) return null;
  return { changed: done > 0, exit_code: exitCodeOf(last), summary: `${nameOf(argv)} ${howItEnded(last)}.` };
}

/** A step's result from its calls: `now` says in a sentence what is so afterwards. */
export function resultOfCalls({ last, argv, done }: Calls, changed: boolean, now: string): StepResult {
  if (last === null) return { changed: false, exit_code: 0, summary: now };
  const failed = last.exitCode !== 0;
  const how = failed ? `${nameOf(argv)} ${howItEnded(last)}` : 'Done';
  return {
    changed: failed ? changed && done > 0 : changed,
    exit_code: exitCodeOf(last),
    summary: `${how}; ${now}`.slice(0, 500),
  };
}

/** After a crash: how the calls ended that an earlier runner started, of which there were to be `count`. `null`: not known. */
export async function recoverCalls(context: ChangeContext, count: number): Promise<Executed | null> {
  for (let index = 1; index <= count; index += 1) {
    const ended = await context.processes.ended(index, context.onOutput);
    if (ended === null || ended.exitCode !== 0 || index === count) return ended;
  }
  return null;
}

/** The result of a step that {@link recoverCalls} found again. */
export function recoveredResult(ended: Executed, now: string): StepResult {
  return {
    changed: true,
    exit_code: exitCodeOf(ended),
    summary: `Found after a restart of the runner: it ${howItEnded(ended)}; ${now}`.slice(0, 500),
  };
}

/** The program that is called, whoever it is called as, and what it is told to do: `systemctl restart`, `mv`. */
function nameOf(argv: readonly string[]): string {
  const start = argv[0] === 'setpriv' ? argv.indexOf('--') + 1 : 0;
  const [program = '', verb = '-'] = argv.slice(start);
  return verb.startsWith('-') ? program : `${program} ${verb}`;
}
