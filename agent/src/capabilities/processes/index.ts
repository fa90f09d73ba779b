/** The code behind `protocol/src/capabilities/processes.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { conntrackFd } from './conntrack-fd.ts';
import { conntrackRaise } from './conntrack-raise.ts';
import { cpuRunaway } from './cpu-runaway.ts';
import { memoryOom } from './memory-oom.ts';
import { overview } from './overview.ts';
import { processEnd } from './process-end.ts';
import { processProbes } from './process-probes.ts';
import { processReap } from './process-reap.ts';
import { processRenice } from './process-renice.ts';
import { swap } from './swap.ts';
import { swapAdd } from './swap-add.ts';
import { swapCycle } from './swap-cycle.ts';
import { zombies } from './zombies.ts';

export const diagnostics = {
  overview,
  memory_oom: memoryOom,
  swap,
  cpu_runaway: cpuRunaway,
  zombies,
  conntrack_fd: conntrackFd,
} satisfies Partial<Observers>;
export const probes = { ...processProbes } satisfies Partial<Observers>;
export const changes = {
  'process.end': processEnd,
  'process.renice': processRenice,
  'process.reap': processReap,
  'swap.add': swapAdd,
  'swap.cycle': swapCycle,
  'conntrack.raise': conntrackRaise,
} satisfies Partial<Changers>;
