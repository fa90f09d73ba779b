/** Swap, read from /proc. Source: swapon(8), proc_swaps(5), proc_vmstat(5). */
import { readFileSync } from 'node:fs';
import { unescapeOctal } from './mounts.ts';
import { pageBytes } from './processes.ts';

/** A partition or file that the kernel swaps to. */
export interface Swap {
  readonly path: string;
  readonly kind: 'partition' | 'file';
  readonly bytes: number;
  readonly usedBytes: number;
  /** Higher is used first; below 0 the kernel chose it. */
  readonly priority: number;
}

/** Bytes moved since boot. */
export interface SwapTraffic {
  readonly inBytes: number;
  readonly outBytes: number;
}

/** All swap that is in use. Throws the system's error. */
export function readSwaps(): Swap[] {
  return parseSwaps(readFileSync('/proc/swaps', 'utf8'));
}

/** `Filename Type Size Used Priority`, sizes in KiB; lines of another form are left out. */
export function parseSwaps(text: string): Swap[] {
  return text.split('\n').flatMap((line) => {
    const [, path, kind, size, used, priority] =
      /^(\/\S+)\s+(partition|file)\s+(\d+)\s+(\d+)\s+(-?\d+)\s*$/.exec(line) ?? [];
    if (path === undefined || kind === undefined) return [];
    return [
      {
        path: unescapeOctal(path),
        kind: kind === 'file' ? 'file' : 'partition',
        bytes: Number(size) * 1024,
        usedBytes: Number(used) * 1024,
        priority: Number(priority),
      } satisfies Swap,
    ];
  });
}

export function readSwapTraffic(): SwapTraffic {
  const text = readFileSync('/proc/vmstat', 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0) * pageBytes();
  return { inBytes: bytes('pswpin'), outBytes: bytes('pswpout') };
}
