/** Pods as Kubernetes tells of them. Source: Kubernetes API reference, core/v1 Pod. */
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { getList, within } from './kubectl.ts';

const terminatedSchema = z.object({
  exitCode: z.int(),
  reason: z.string().optional(),
  finishedAt: z.string().nullish(),
});
const containerSchema = z.object({
  name: z.string(),
  restartCount: z.int(),
  ready: z.boolean().optional(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional() }).optional(),
      terminated: terminatedSchema.optional(),
    })
    .optional(),
  lastState: z.object({ terminated: terminatedSchema.optional() }).optional(),
});

const podSchema = z
  .object({
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      uid: z.string(),
      creationTimestamp: z.string(),
      labels: z.record(z.string(), z.string()).nullish(),
      ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).nullish(),
    }),
    status: z.object({
      phase: z.string(),
      reason: z.string().optional(),
      containerStatuses: z.array(containerSchema).nullish(),
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().optional(),
            message: z.string().optional(),
          }),
        )
        .nullish(),
    }),
  })
  .transform(({ metadata, status }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    /** Milliseconds since 1970. */
    createdAt: Date.parse(metadata.creationTimestamp) || 0,
    labels: metadata.labels ?? {},
    /** Whether something makes another when it is gone. */
    owned: (metadata.ownerReferences ?? []).length > 0,
    /** Pending, Running, Succeeded, Failed or Unknown. */
    phase: status.phase,
    /** Such as Evicted. */
    reason: status.reason ?? '',
    containers: (status.containerStatuses ?? []).map(readContainer),
    /** Why no node takes it; empty when one does. */
    unschedulable:
      (status.conditions ?? []).find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')?.message ??
      '',
  }));

export type Pod = z.output<typeof podSchema>;
export type PodContainer = Pod['containers'][number];

export function readPods(context: ObserveContext, namespace?: string): Promise<Pod[]> {
  return getList(context, ['pods', ...within(namespace)], podSchema);
}

/** What of a list that kubectl printed is a pod. For tests. */
export function parsePod(item: unknown): Pod | null {
  const parsed = podSchema.safeParse(item);
  return parsed.success ? parsed.data : null;
}

function readContainer({ name, restartCount, state, lastState }: z.output<typeof containerSchema>) {
  const ended = state?.terminated ?? lastState?.terminated;
  return {
    name,
    restarts: restartCount,
    /** Why it waits: CrashLoopBackOff, ImagePullBackOff, …; empty when it does not. */
    waits: state?.waiting?.reason ?? '',
    /** How it ended last; `null` when it never did. */
    exitCode: ended?.exitCode ?? null,
    /** Such as OOMKilled, Error, Completed. */
    endReason: ended?.reason ?? '',
    endedAt: ended?.finishedAt == null ? null : Date.parse(ended.finishedAt) || null,
  };
}
