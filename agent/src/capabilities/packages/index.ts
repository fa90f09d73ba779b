/** The code behind `protocol/src/capabilities/packages.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { aptClean } from './apt-clean.ts';
import { aptRepair } from './apt-repair.ts';
import { packages } from './packages.ts';
import { packagesState } from './packages-state.ts';
import { securityUpgrade } from './security-upgrade.ts';

export const diagnostics = { packages } satisfies Partial<Observers>;
export const probes = { 'packages.state': packagesState } satisfies Partial<Observers>;
export const changes = {
  'apt.clean': aptClean,
  'apt.repair': aptRepair,
  'apt.security_upgrade': securityUpgrade,
} satisfies Partial<Changers>;
