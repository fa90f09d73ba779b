/** Kubernetes by way of kubectl. Optional. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe } from './capability.ts';

/** An RFC 1123 label, as Kubernetes names namespaces. */
export const namespaceSchema = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'a namespace such as shop');

/** An RFC 1123 subdomain, as Kubernetes names deployments and pods. */
export const objectNameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'the name of an object such as web');

const deployment = z.strictObject({ namespace: namespaceSchema, deployment: objectNameSchema });

export const diagnostics = {
  k8s: observe(
    'Pods that crash, ran out of memory, wait or failed, as kubectl tells.',
    z.strictObject({ namespace: namespaceSchema.optional().describe('all of them unless told') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'k8s.deployment': observe(
    'How far a deployment is what it is to be.',
    deployment,
    z.object({
      exists: z.boolean(),
      desired: z.int(),
      updated: z.int(),
      available: z.int(),
      /** Whether every replica is of the newest kind and available, and none of an older kind is left. */
      rolled_out: z.boolean(),
      /** Restarts of all containers of its pods. */
      restarts: z.int(),
      /** How many of its containers wait after a crash. */
      crashing: z.int(),
    }),
  ),
  'k8s.pods': observe(
    'How many pods of a namespace there are, by phase.',
    z.strictObject({ namespace: namespaceSchema }),
    z.object({ pods: z.int(), failed: z.int(), running: z.int(), pending: z.int() }),
  ),
};

export const changes = {
  'k8s.rollout_restart': mutate('Start the pods of a deployment anew, a few at a time.', 'high', deployment, {
    timeoutMs: 300_000,
    undoable: true,
  }),
  'k8s.scale': mutate(
    'Run up to two pods of a deployment more or fewer.',
    'high',
    deployment.extend({
      delta: z
        .int()
        .min(-2)
        .max(2)
        .refine((delta) => delta !== 0, 'not 0'),
    }),
    { timeoutMs: 300_000, undoable: true },
  ),
  'k8s.delete_failed_pods': mutate(
    'Delete the pods of a namespace that have failed, each by its name.',
    'medium',
    z.strictObject({ namespace: namespaceSchema }),
  ),
};
