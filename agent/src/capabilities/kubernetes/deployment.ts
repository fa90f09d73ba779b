/** What the changes of a deployment share: that it is there and may be changed, and how they wait for it. */
import { fault, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { getList, KUBECTL_ENVIRONMENT, within } from './kubectl.ts';
import { isProtectedNamespace } from './protected-namespaces.ts';
import { type Deployment, findDeployment } from './read-deployments.ts';

/** A little less than the step may take, so that kubectl itself says what it waits for. */
const ROLLOUT_S = 240;

/** What the processes of such a step are given. */
export const CALL_OPTIONS = { timeoutMs: 300_000, env: KUBECTL_ENVIRONMENT } as const;

/** @throws Fault `precondition_failed` when there is no such deployment, or nobody may change its namespace. */
export async function requireDeployment(
  context: ObserveContext,
  { namespace, deployment: name }: { readonly namespace: string; readonly deployment: string },
): Promise<Deployment> {
  requireNamespace(namespace);
  const deployment = await findDeployment(context, namespace, name);
  if (deployment === null)
    throw fault('precondition_failed', { reason: `there is no deployment ${name} in namespace ${namespace}` });
  if (deployment.paused)
    throw fault('precondition_failed', { reason: `${namespace}/${name} is paused, so nothing would be rolled out` });
  return deployment;
}

export function requireNamespace(namespace: string): void {
  if (isProtectedNamespace(namespace))
    throw fault('precondition_failed', { reason: `the namespace ${namespace} is protected` });
}

/** Waits until every pod is of the newest kind and available. */
export function statusArgv({ namespace, name }: Deployment): string[] {
  return ['kubectl', 'rollout', 'status', ...within(namespace), `--timeout=${ROLLOUT_S}s`, `deployment/${name}`];
}

/** Facts that tell whether a deployment is still what it was. The generation rises with each change of it. */
export function deploymentWitness({ namespace, name, uid, generation, desired }: Deployment): WitnessFact[] {
  const subject = `deployment ${namespace}/${name}`;
  return [
    { subject, property: 'uid', value: uid },
    { subject, property: 'generation', value: generation },
    { subject, property: 'replicas', value: desired },
  ];
}

export async function sayDeployment(context: ObserveContext, namespace: string, name: string): Promise<string> {
  const now = await findDeployment(context, namespace, name);
  return now === null
    ? 'the deployment is not there any more.'
    : `${now.available} of ${now.desired} pods of ${namespace}/${name} are available, ${now.updated} of them new.`;
}

const scalerSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ scaleTargetRef: z.object({ kind: z.string(), name: z.string() }) }),
});

/** The autoscaler that sets the number of pods, if any: it would undo whatever is set here. */
export async function autoscalerOf(context: ObserveContext, { namespace, name }: Deployment): Promise<string | null> {
  const scalers = await getList(context, ['horizontalpodautoscalers', ...within(namespace)], scalerSchema);
  const own = scalers.find(
    ({ spec }) => spec.scaleTargetRef.kind === 'Deployment' && spec.scaleTargetRef.name === name,
  );
  return own?.metadata.name ?? null;
}

const budgetSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()).nullish() }).nullish() }),
  status: z.object({ disruptionsAllowed: z.int() }).optional(),
});

/** The disruption budget that lets no pod of a deployment go now, if any. Source: policy/v1 PodDisruptionBudget. */
export async function spentBudgetOf(context: ObserveContext, deployment: Deployment): Promise<string | null> {
  const budgets = await getList(context, ['poddisruptionbudgets', ...within(deployment.namespace)], budgetSchema);
  const spent = budgets.find(({ spec, status }) => {
    const labels = Object.entries(spec.selector?.matchLabels ?? {});
    const fits = labels.length > 0 && labels.every(([key, value]) => deployment.labels[key] === value);
    return fits && status?.disruptionsAllowed === 0;
  });
  return spent?.metadata.name ?? null;
}
