/** Deployments as Kubernetes tells of them. Source: Kubernetes API reference, apps/v1 Deployment. */
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { getList, getObject, within } from './kubectl.ts';
import type { Pod } from './read-pods.ts';

const labelsSchema = z.record(z.string(), z.string());

const deploymentSchema = z
  .object({
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      uid: z.string(),
      generation: z.int(),
      annotations: labelsSchema.nullish(),
    }),
    spec: z.object({
      replicas: z.int().default(1),
      paused: z.boolean().optional(),
      selector: z.object({ matchLabels: labelsSchema.nullish() }),
    }),
    status: z
      .object({
        observedGeneration: z.int().default(0),
        replicas: z.int().default(0),
        updatedReplicas: z.int().default(0),
        availableReplicas: z.int().default(0),
      })
      .prefault({}),
  })
  .transform(({ metadata, spec, status }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation,
    /** By which `kubectl rollout undo` finds back to it; `null` where it is not told. */
    revision: Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? Number.NaN) || null,
    paused: spec.paused ?? false,
    labels: spec.selector.matchLabels ?? {},
    desired: spec.replicas,
    updated: status.updatedReplicas,
    available: status.availableReplicas,
    /** As `kubectl rollout status` judges it. */
    rolledOut:
      status.observedGeneration >= metadata.generation &&
      status.updatedReplicas === spec.replicas &&
      status.replicas === spec.replicas &&
      status.availableReplicas === spec.replicas,
  }));

export type Deployment = z.output<typeof deploymentSchema>;

export function readDeployments(context: ObserveContext, namespace?: string): Promise<Deployment[]> {
  return getList(context, ['deployments', ...within(namespace)], deploymentSchema);
}

export function findDeployment(context: ObserveContext, namespace: string, name: string): Promise<Deployment | null> {
  return getObject(context, ['deployment', ...within(namespace), '--', name], deploymentSchema);
}

/** Whether a pod is one of a deployment's. One without labels to select by has none. */
export function selects({ namespace, labels }: Pick<Deployment, 'namespace' | 'labels'>, pod: Pod): boolean {
  const wanted = Object.entries(labels);
  return pod.namespace === namespace && wanted.length > 0 && wanted.every(([key, value]) => pod.labels[key] === value);
}
