import { type ChangeId, capability, type StepResult } from '@countersign/protocol';
import { howItEnded } from '../host/execution.ts';
import type { ChangeContext } from './capability.ts';
import { exitCodeOf } from './exit-code.ts';

/**
 * Starts the calls of a step one after the other and ends at the first that fails. `null` when all ended well, else how that one
 * ended. Each has the time of the whole step.
 */
export async function startAll(
  context: ChangeContext,
  id: ChangeId,
  calls: readonly (readonly string[])[],
): Promise<StepResult | null> {
  const { timeoutMs } = capability(id);
  for (const [index, argv] of calls.entries()) {
    const done = await context.processes.start({ argv, timeoutMs, signal: context.signal, onOutput: context.onOutput });
    if (done.exitCode !== 0)
      return { changed: index > 0, exit_code: exitCodeOf(done), summary: `${argv[0]} ${howItEnded(done)}.` };
  }
  return null;
}
