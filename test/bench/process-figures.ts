/** What a process uses, as the kernel tells it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Memory of a process in MB: resident, and the anonymous part of it. Source: proc_pid_status(5). */
export function memoryOf(pid: number): { rss: number; anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { rss: mb('VmRSS'), anonymous: mb('RssAnon') };
}

/**
 * CPU time of the threads that a process has now, in milliseconds. `utime` counts in ticks of 10 ms, too coarse for an idle
 * process; the scheduler's own count is in nanoseconds. Source: Documentation/scheduler/sched-stats.rst, /proc/pid/schedstat.
 */
export function cpuMsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((ms, thread) => ms + schedstatMs(pid, thread)[0], 0);
}

/** How long the main thread of a process could have run, but had to wait for a core, milliseconds. Source as of {@link cpuMsOf}. */
export function waitedMsOf(pid: number): number {
  return schedstatMs(pid, pid)[1];
}

function schedstatMs(pid: number, thread: number | string): readonly [ran: number, waited: number] {
  const [ran = Number.NaN, waited = Number.NaN] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
    .split(' ')
    .map((ns) => Number(ns) / 1e6);
  return [ran, waited];
}

/** The processes that a process has started and that are still there. Source: proc_tid_children(5). */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

export const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Sockets that this process may open besides what it has anyway. Source: getrlimit(2), proc_pid_limits(5). */
export function socketsPossible(): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024);
  return Math.max(0, limit - 500);
}
