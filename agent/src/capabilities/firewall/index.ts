/** The code behind `protocol/src/capabilities/firewall.ts`. */
import type { Changers } from '../capability.ts';
import { firewallApply } from './firewall-apply.ts';

export const diagnostics = {};
export const probes = {};
export const changes = { 'firewall.apply': firewallApply } satisfies Partial<Changers>;
