/** Small readings of processes and memory, of which preconditions and checks are made. */
import { fault } from '@countersign/protocol';
import { readProcesses, unitOfProcess } from '../../host/processes.ts';
import { readSwaps } from '../../host/swaps.ts';
import { readMemory, readPressure } from '../../host/system.ts';
import type { Observers } from '../capability.ts';
import { readConntrack, readConntrackDrops } from './conntrack.ts';
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
  'swap.state': async ({ device }) => {
    const swap = readSwaps().find(({ path }) => path === device);
    return { active: swap !== undefined, used_percent: (100 * (swap?.usedBytes ?? 0)) / Math.max(1, swap?.bytes ?? 0) };
  },
  'conntrack.state': async (_, context) => {
    const table = await readConntrack(context);
    if (table === null)
      throw fault('capability_failed', { capability: 'conntrack.state', reason: 'the kernel tracks no connections' });
    return { max: table.max, used_percent: (100 * table.count) / table.max, drops: await readConntrackDrops(context) };
  },
} satisfies Partial<Observers>;
