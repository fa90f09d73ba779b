/** What units may hold in memory, and what their processes do hold. Source: systemd.resource-control(5). */
import { readProcesses, unitOfProcess } from '../../host/processes.ts';
import { parseProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

/** Of all memory: no limit above it, so that the rest of the server can go on. */
export const LIMIT_RATIO_MAX = 0.8;
/** Of what a unit holds: no limit below it, or the kernel would kill it at once. */
export const LIMIT_RATIO_MIN = 1.1;

/** Bytes; `null` for no limit. */
export interface MemoryLimit {
  readonly high: number | null;
  readonly max: number | null;
}

/** The limits of units by their names; units that systemd does not know are left out. Empty when it does not answer. */
export async function readMemoryLimits(
  context: ObserveContext,
  units: readonly string[],
): Promise<Map<string, MemoryLimit>> {
  if (units.length === 0) return new Map();
  const argv = ['systemctl', 'show', '--no-pager', '--property=Id,MemoryHigh,MemoryMax', '--', ...units];
  const shown = await context.exec({ argv, timeoutMs: 10_000, signal: context.signal });
  return new Map(
    shown.stdout
      .split(/\n\s*\n/)
      .map(parseProperties)
      .flatMap(({ Id: name, MemoryHigh: high, MemoryMax: max }) =>
        name === undefined ? [] : [[name, { high: parseLimit(high), max: parseLimit(max) }] as const],
      ),
  );
}

/** `104857600`; `infinity` and whatever is no number is no limit. */
export function parseLimit(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,18}$/.test(text) ? Number(text) : null;
}

/** What the processes of a unit hold that cannot be given up: their resident memory, as one sum. */
export function residentBytesOf(unit: string): number {
  return readProcesses()
    .filter(({ pid }) => unitOfProcess(pid) === unit)
    .reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
}
