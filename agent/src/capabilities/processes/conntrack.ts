/** The kernel's table of connections. Source: Documentation/networking/nf_conntrack-sysctl.rst. */
import { readMemory } from '../../host/system.ts';
import type { ObserveContext } from '../capability.ts';

export const CONNTRACK_MAX_KEY = 'net.netfilter.nf_conntrack_max';
const COUNT_KEY = 'net.netfilter.nf_conntrack_count';
/** About what one connection takes in the kernel, its place in the hash included. */
const ENTRY_BYTES = 400;
/** Of all memory: what the table may take when it is full. */
const MEMORY_RATIO_MAX = 0.1;

export interface Conntrack {
  readonly count: number;
  readonly max: number;
}

/**
 * How full the table is, in the server's own network; `null` where the kernel keeps none. Read by a program, since these files
 * show the network of whoever reads them, and the runner has none.
 */
export async function readConntrack(context: ObserveContext): Promise<Conntrack | null> {
  const argv = ['sysctl', '-n', '--', COUNT_KEY, CONNTRACK_MAX_KEY];
  const done = await context.exec({ argv, timeoutMs: 5000, hostNetwork: true, signal: context.signal });
  return parseConntrack(done.stdout);
}

/** Two numbers, a line each. */
export function parseConntrack(text: string): Conntrack | null {
  const [, count, max] = /^(\d+)\n(\d+)\n?$/.exec(text) ?? [];
  return count === undefined || max === undefined || Number(max) === 0
    ? null
    : { count: Number(count), max: Number(max) };
}

/** Connections that found no room since boot; `null` where the kernel does not tell. Source: net/netfilter/nf_conntrack_standalone.c. */
export async function readConntrackDrops(context: ObserveContext): Promise<number | null> {
  const argv = ['cat', '--', '/proc/net/stat/nf_conntrack'];
  const done = await context.exec({ argv, timeoutMs: 5000, hostNetwork: true, signal: context.signal });
  return parseConntrackDrops(done.stdout);
}

/** A line of names, then one of hexadecimal figures for each processor. */
export function parseConntrackDrops(text: string): number | null {
  const [names = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const at = names.indexOf('drop');
  if (at < 0 || lines.length === 0) return null;
  const drops = lines.reduce((sum, figures) => sum + Number.parseInt(figures[at] ?? '', 16), 0);
  return Number.isSafeInteger(drops) ? drops : null;
}

/** The largest table that the memory of the server bears. */
export function conntrackMost(): number {
  return Math.floor((readMemory().totalBytes * MEMORY_RATIO_MAX) / ENTRY_BYTES);
}
