/** Who holds a lock on a file, asked of the kernel by way of open descriptors. Source: proc_pid_fdinfo(5), fcntl(2). */
import { commandLineOf, descriptorsOf, lockedBy, readProcesses } from './processes.ts';

export interface LockHolder {
  /** The file that is locked. */
  readonly path: string;
  readonly pid: number;
  readonly name: string;
  /** With the pid it names one process for ever. */
  readonly startedTicks: number;
  readonly command: string;
}

/** Processes that hold a lock on one of these files. A process that only waits for it is none. Needs root to see all. */
export function readLockHolders(paths: readonly string[]): LockHolder[] {
  return readProcesses().flatMap(({ pid, name, startedTicks }) =>
    descriptorsOf(pid)
      .filter(({ number, path }) => paths.includes(path) && lockedBy(pid, number))
      .map(({ path }) => ({ path, pid, name, startedTicks, command: commandLineOf(pid) })),
  );
}
