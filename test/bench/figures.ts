/** Small statistics, and reading what a process uses. */
import { readFileSync } from 'node:fs';

export interface Figure {
  readonly what: string;
  readonly value: string;
  readonly note: string;
}

/** The p-th percentile (0 to 100) of some numbers, by the nearest rank. */
export function percentile(numbers: readonly number[], p: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN;
}

/** Runs something many times, one after the other; returns the milliseconds of each run. The first `warm` runs do not count. */
export async function timings(times: number, work: (n: number) => Promise<unknown>, warm = 10): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times + warm; n += 1) {
    const began = performance.now();
    await work(n);
    if (n >= warm) taken.push(performance.now() - began);
  }
  return taken;
}

/** Memory of a process in MB: resident, and the anonymous part of it. Source: proc_pid_status(5). */
export function memoryOf(pid: number): { rss: number; anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { rss: mb('VmRSS'), anonymous: mb('RssAnon') };
}

export const ms = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
export const latency = (what: string, taken: readonly number[], note = ''): Figure => ({
  what,
  value: `p50 ${ms(percentile(taken, 50))}, p99 ${ms(percentile(taken, 99))}`,
  note: `${taken.length} calls, one after the other${note ? `; ${note}` : ''}`,
});
