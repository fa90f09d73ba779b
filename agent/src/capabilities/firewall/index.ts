/** The code behind `protocol/src/capabilities/firewall.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { firewall } from './firewall.ts';
import { firewallApply } from './firewall-apply.ts';

export const diagnostics = { firewall } satisfies Partial<Observers>;
export const probes = {};
export const changes = { 'firewall.apply': firewallApply } satisfies Partial<Changers>;
