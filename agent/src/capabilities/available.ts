/** What can be done on this machine. Apart from the handlers, so that a link can tell without loading them. */
import type { CapabilityId } from '@countersign/protocol';
import { capabilityIds } from '../ahead.ts';
import { systemdRuns } from '../host/unit.ts';

/** Besides units, timers and processes. */
const BY_SYSTEMD: readonly CapabilityId[] = [
  'agent.update',
  'agent.repair',
  'agent.uninstall',
  'journal.vacuum',
  'nginx.reload',
  'nginx.maintenance',
];

/** The capabilities of this machine: without systemd nothing that only systemd does. */
export function availableCapabilities(systemd: boolean = systemdRuns()): CapabilityId[] {
  return capabilityIds.filter((id) => systemd || !(/^(unit|timer|process)\./.test(id) || BY_SYSTEMD.includes(id)));
}
