import type { Executed } from '../host/execution.ts';

/** The exit code to report for a process: that of a shell where it has none of its own, so that a failure is never `null`. */
export function exitCodeOf(executed: Executed): number {
  if (executed.exitCode !== null) return executed.exitCode;
  if (executed.timedOut) return 124;
  return executed.notStarted === null ? 137 : 127;
}
