/** Small readings of processes and memory, of which preconditions and checks are made. */
import { readProcesses, unitOfProcess } from '../../host/processes.ts';
import { readMemory, readPressure } from '../../host/system.ts';
import type { Observers } from '../capability.ts';
import { findProcess } from './same-process.ts';

export const processProbes = {
  'process.state': async (named) => {
    const found = findProcess(named);
    return {
      alive: found !== null,
      name: found?.name ?? null,
      nice: found?.nice ?? null,
      memory_bytes: found?.memoryBytes ?? null,
    };
  },
  /** A zombie has left its unit's processes in all but name, so its parent counts too. */
  'process.zombies': async ({ unit }) => ({
    zombies: readProcesses().filter(
      ({ state, pid, parent }) => state === 'Z' && (unitOfProcess(parent) === unit || unitOfProcess(pid) === unit),
    ).length,
  }),
  'memory.state': async () => {
    const { availableBytes, totalBytes } = readMemory();
    return {
      available_percent: (100 * availableBytes) / Math.max(1, totalBytes),
      pressure_percent: readPressure('memory')?.some10 ?? null,
    };
  },
} satisfies Partial<Observers>;
