/** What this agent can do: the code behind the capability table of protocol. */
import { type CapabilityId, capabilityIds } from '@countersign/protocol';
import { systemdRuns } from '../host/unit.ts';
import type { Observers } from './capability.ts';
import { diagnosticObservers } from './diagnose/index.ts';
import { probeObservers } from './probes.ts';
import { fileObservers } from './read-files.ts';

export type * from './capability.ts';
export { changers } from './change/index.ts';

export const observers: Observers = { ...diagnosticObservers, ...probeObservers, ...fileObservers };

/** What can be done on this machine: without systemd nothing that only systemd does. */
export function availableCapabilities(systemd: boolean = systemdRuns()): CapabilityId[] {
  return capabilityIds.filter((id) => systemd || !(id.startsWith('unit.') || id === 'journal.vacuum'));
}
