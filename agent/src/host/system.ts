/** Figures of the whole machine, read from /proc. Source: proc(5), Documentation/accounting/psi.rst. */
import { readFileSync } from 'node:fs';
import { loadavg, uptime } from 'node:os';
import { orNull } from './look.ts';

export interface Load {
  readonly load1: number;
  readonly load5: number;
  readonly load15: number;
}

export interface Memory {
  readonly totalBytes: number;
  /** What can be given to programs without swapping. */
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapFreeBytes: number;
}

/** Share of time, per cent, in which some or all tasks waited for a resource, over 10 and 60 seconds. */
export interface Pressure {
  readonly some10: number;
  readonly some60: number;
  readonly full10: number;
  readonly full60: number;
}

/** Ticks since boot, summed over all processors. */
export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  readonly iowait: number;
  readonly steal: number;
}

/** Blanks in front of a figure and its digits. */
const FIGURE_LENGTH_MAX = 40;

export function readLoad(): Load {
  const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
  return { load1, load5, load15 };
}

export function readMemory(): Memory {
  return parseMemory(readFileSync('/proc/meminfo', 'utf8'));
}

/** `/proc/meminfo`, whose figures are in KiB. */
export function parseMemory(text: string): Memory {
  const bytes = (name: string) => (figureAfter(text, `${name}:`) ?? 0) * 1024;
  return {
    totalBytes: bytes('MemTotal'),
    availableBytes: bytes('MemAvailable'),
    swapTotalBytes: bytes('SwapTotal'),
    swapFreeBytes: bytes('SwapFree'),
  };
}

/**
 * The whole number behind a word with which a line begins; `null` where no line does. Looked for as text: a pattern made of a name
 * is compiled each time, which a heartbeat would feel.
 */
export function figureAfter(text: string, word: string): number | null {
  const at = text.startsWith(word) ? 0 : text.indexOf(`\n${word}`) + 1;
  if (at === 0 && !text.startsWith(word)) return null;
  const figure = Number.parseInt(text.slice(at + word.length, at + word.length + FIGURE_LENGTH_MAX), 10);
  return Number.isNaN(figure) ? null : figure;
}

/** `null` where the kernel does not measure pressure. */
export function readPressure(resource: 'cpu' | 'memory' | 'io'): Pressure | null {
  return orNull(() => parsePressure(readFileSync(`/proc/pressure/${resource}`, 'utf8')));
}

/** `some avg10=0.00 avg60=0.00 …` and `full …`. */
export function parsePressure(text: string): Pressure {
  const figure = (line: string, name: string) =>
    Number(new RegExp(`^${line} .*\\b${name}=([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    some10: figure('some', 'avg10'),
    some60: figure('some', 'avg60'),
    full10: figure('full', 'avg10'),
    full60: figure('full', 'avg60'),
  };
}

export function readUptimeS(): number {
  return uptime();
}

export function readCpuTimes(): CpuTimes {
  return parseCpuTimes(readFileSync('/proc/stat', 'utf8'));
}

/** The first line of `/proc/stat`: user nice system idle iowait irq softirq steal guest guest_nice; guest is part of user. */
export function parseCpuTimes(text: string): CpuTimes {
  const ticks = (/^cpu\s+(.*)$/m.exec(text)?.[1] ?? '').split(/\s+/).map(Number);
  const total = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0);
  return { total, idle: ticks[3] ?? 0, iowait: ticks[4] ?? 0, steal: ticks[7] ?? 0 };
}

/** How many processors are online; at least 1. */
export function readCpuCount(): number {
  return Math.max(1, readFileSync('/proc/stat', 'utf8').match(/^cpu\d+ /gm)?.length ?? 1);
}
