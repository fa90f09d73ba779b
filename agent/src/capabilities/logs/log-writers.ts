/** Who writes to log files, told by open descriptors. Source: proc_pid_fd(5), logrotate(8). */
import { statOrNull } from '../../host/look.ts';
import { descriptorsOf, openedFor, readProcesses } from '../../host/processes.ts';
import type { Observer } from '../capability.ts';
import { LOGROTATE_FOLDER, logsOf } from './logrotate-files.ts';

export interface LogWriter {
  readonly pid: number;
  readonly name: string;
  readonly path: string;
  /** Whether it writes at the end, wherever that is; others leave a hole when the file is cut. */
  readonly appends: boolean;
}

/** Open files of all processes that are written to and whose path is chosen. */
export function readWriters(isChosen: (path: string) => boolean): LogWriter[] {
  return readProcesses().flatMap(({ pid, name }) =>
    descriptorsOf(pid).flatMap(({ number, path }) => {
      const opened = isChosen(path) ? openedFor(pid, number) : null;
      return opened?.writes === true ? [{ pid, name, path, appends: opened.appends }] : [];
    }),
  );
}

/** Whether a path is a copy that logrotate made of a log: `a.log.1`, `a.log-20260102`, or the same deleted. */
export function isMovedCopy(path: string, log: string): boolean {
  return path.startsWith(log) && /^([.-]\d+)?( \(deleted\))?$/.test(path.slice(log.length)) && path !== log;
}

/** The logs of one file of /etc/logrotate.d, and who still writes to a copy of them that was moved away. */
export const logWriters: Observer<'log.writers'> = async ({ name }) => {
  const logs = logsOf(name);
  const astray = readWriters((path) => logs.some((log) => isMovedCopy(path, log)));
  return {
    exists: statOrNull(`${LOGROTATE_FOLDER}/${name}`)?.isFile() === true,
    logs: logs.length,
    bytes: logs.reduce((sum, log) => sum + (statOrNull(log)?.blocks ?? 0) * 512, 0),
    astray: new Set(astray.map(({ pid }) => pid)).size,
  };
};
