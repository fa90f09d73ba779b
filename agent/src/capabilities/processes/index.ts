/** The code behind `protocol/src/capabilities/processes.ts`. */
import type { Observers } from '../capability.ts';
import { cpuRunaway } from './cpu-runaway.ts';
import { memoryOom } from './memory-oom.ts';
import { overview } from './overview.ts';

export const diagnostics = { overview, memory_oom: memoryOom, cpu_runaway: cpuRunaway } satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
