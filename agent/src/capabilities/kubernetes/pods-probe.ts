/** Probes: small readings of a cluster for preconditions and checks. */
import type { Observer } from '../capability.ts';
import { findDeployment, selects } from './read-deployments.ts';
import { readPods } from './read-pods.ts';

/** How far a deployment is, and whether its pods crash. */
export const deploymentProbe: Observer<'k8s.deployment'> = async ({ namespace, deployment: name }, context) => {
  const deployment = await findDeployment(context, namespace, name);
  if (deployment === null)
    return { exists: false, desired: 0, updated: 0, available: 0, rolled_out: false, restarts: 0, crashing: 0 };
  const pods = (await readPods(context, namespace)).filter((pod) => selects(deployment, pod));
  const containers = pods.flatMap((pod) => pod.containers);
  return {
    exists: true,
    desired: deployment.desired,
    updated: deployment.updated,
    available: deployment.available,
    rolled_out: deployment.rolledOut,
    restarts: containers.reduce((sum, { restarts }) => sum + restarts, 0),
    crashing: containers.filter(({ waits }) => waits === 'CrashLoopBackOff').length,
  };
};

/** How many pods of a namespace there are, by phase. */
export const podsProbe: Observer<'k8s.pods'> = async ({ namespace }, context) => {
  const pods = await readPods(context, namespace);
  const inPhase = (phase: string) => pods.filter((pod) => pod.phase === phase).length;
  return { pods: pods.length, failed: inPhase('Failed'), running: inPhase('Running'), pending: inPhase('Pending') };
};
