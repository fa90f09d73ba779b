/** The diagnostics by their ids. */
import type { DiagnosticId } from '@countersign/protocol';
import type { Observers } from '../capability.ts';
import { cpuRunaway } from './cpu-runaway.ts';
import { disk } from './disk.ts';
import { failedUnits } from './failed-units.ts';
import { inodes } from './inodes.ts';
import { logs } from './logs.ts';
import { memoryOom } from './memory-oom.ts';
import { networkPorts } from './network-ports.ts';
import { nginx } from './nginx.ts';
import { overview } from './overview.ts';
import { service } from './service.ts';

export const diagnosticObservers = {
  overview,
  disk,
  inodes,
  memory_oom: memoryOom,
  cpu_runaway: cpuRunaway,
  service,
  failed_units: failedUnits,
  logs,
  network_ports: networkPorts,
  nginx,
} satisfies Pick<Observers, DiagnosticId>;
