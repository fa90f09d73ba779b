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

/** Starts programs one after the other, as processes of the step, and ends at the first that fails. */
export async function runCalls(
  context: ChangeContext,
  calls: readonly (readonly string[])[],
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<Calls> {
  let last: Executed | null = null;
  for (const [done, argv] of calls.entries()) {
    last = await context.processes.start({ argv, ...options, signal: context.signal, onOutput: context.onOutput });
    if (last.exitCode !== 0) return { last, argv, done };
  }
  return { last, argv: calls.at(-1) ?? [], done: calls.length };
}

/** A step's result from its calls: `now` says in a sentence what is so afterwards. */
export function resultOfCalls({ last, argv, done }: Calls, changed: boolean, now: string): StepResult {
  if (last === null) return { changed: false, exit_code: 0, summary: now };
  const failed = last.exitCode !== 0;
  const how = failed ? `${argv.slice(0, 2).join(' ')} ${howItEnded(last)}` : 'Done';
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
