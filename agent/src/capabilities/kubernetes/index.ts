/** The code behind `protocol/src/capabilities/kubernetes.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { k8s } from './k8s.ts';
import { deploymentProbe, podsProbe } from './pods-probe.ts';

export const diagnostics = { k8s } satisfies Partial<Observers>;
export const probes = { 'k8s.deployment': deploymentProbe, 'k8s.pods': podsProbe } satisfies Partial<Observers>;
export const changes = {} satisfies Partial<Changers>;
