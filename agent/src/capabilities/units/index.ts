/** The code behind `protocol/src/capabilities/units.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { failedUnits } from './failed-units.ts';
import { service } from './service.ts';
import { unitChangers } from './unit.ts';
import { unitLimitMemory, unitMemory } from './unit-limit-memory.ts';
import { unitOpenFiles, unitRaiseNofile } from './unit-raise-nofile.ts';
import { unitRestore } from './unit-restore.ts';
import { unitSetEnabled } from './unit-set-enabled.ts';
import { unitStateProbe } from './unit-state-probe.ts';

export const diagnostics = { service, failed_units: failedUnits } satisfies Partial<Observers>;
export const probes = {
  'unit.state': unitStateProbe,
  'unit.memory': unitMemory,
  'unit.open_files': unitOpenFiles,
} satisfies Partial<Observers>;
export const changes = {
  ...unitChangers,
  'unit.set_enabled': unitSetEnabled,
  'unit.limit_memory': unitLimitMemory,
  'unit.raise_nofile': unitRaiseNofile,
  'unit.restore': unitRestore,
} satisfies Partial<Changers>;
