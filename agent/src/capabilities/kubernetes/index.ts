/** The code behind `protocol/src/capabilities/kubernetes.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { deleteFailedPods } from './delete-failed-pods.ts';
import { k8s } from './k8s.ts';
import { deploymentProbe, podsProbe } from './pods-probe.ts';
import { rolloutRestart } from './rollout-restart.ts';
import { scale } from './scale.ts';

export const diagnostics = { k8s } satisfies Partial<Observers>;
export const probes = { 'k8s.deployment': deploymentProbe, 'k8s.pods': podsProbe } satisfies Partial<Observers>;
export const changes = {
  'k8s.rollout_restart': rolloutRestart,
  'k8s.scale': scale,
  'k8s.delete_failed_pods': deleteFailedPods,
} satisfies Partial<Changers>;
