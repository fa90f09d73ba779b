/** The code behind `protocol/src/capabilities/processes.ts`. */
import type { Observers } from '../capability.ts';
import { conntrackFd } from './conntrack-fd.ts';
import { cpuRunaway } from './cpu-runaway.ts';
import { memoryOom } from './memory-oom.ts';
import { overview } from './overview.ts';
import { swap } from './swap.ts';
import { zombies } from './zombies.ts';

export const diagnostics = {
  overview,
  memory_oom: memoryOom,
  swap,
  cpu_runaway: cpuRunaway,
  zombies,
  conntrack_fd: conntrackFd,
} satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
