/** What a server tells of itself. */
import { z } from 'zod';
import { softwareSchema } from '../software-schema.ts';

const name = z.string().max(255);

export const serverFactsSchema = z.object({
  hostname: name,
  os: z.object({ id: name, name, version: name }),
  kernel: name,
  arch: name,
  cpus: z.int().positive(),
  memoryBytes: z.int().positive(),
  systemd: z.boolean(),
  /** Known software that is installed; null from an agent that does not tell. */
  software: z.array(softwareSchema).max(100).nullable().default(null),
  /** Whether the runner is root. Without it most changes are refused by the system itself. */
  root: z.boolean(),
  /** Changes with every boot. */
  bootId: name,
  bootedAt: z.int(),
});
export type ServerFacts = z.infer<typeof serverFactsSchema>;

export { isLocked, type LocalPolicySummary, localPolicySummarySchema } from './policy-summary.ts';

/** A few figures with every heartbeat. Ratios run from 0 to 1. */
export const statusSampleSchema = z.object({
  at: z.int(),
  load1PerCpu: z.number().nonnegative(),
  memoryUsedRatio: z.number().min(0).max(1),
  swapUsedRatio: z.number().min(0).max(1),
  fullestMount: z.object({ mount: z.string().max(4096), usedRatio: z.number().min(0).max(1) }).nullable(),
  failedUnits: z.int().nonnegative().nullable(),
  uptimeS: z.number().nonnegative(),
});
export type StatusSample = z.infer<typeof statusSampleSchema>;

/** When the agent raises an alert. Per server; the control plane sends them after `welcome`. */
export const thresholdsSchema = z.object({
  diskUsedRatio: z.number().min(0.1).max(1).default(0.9),
  memoryUsedRatio: z.number().min(0.1).max(1).default(0.92),
  load1PerCpu: z.number().min(0.1).max(1000).default(4),
  certificateDays: z.int().min(0).max(365).default(14),
  failedUnits: z.boolean().default(true),
  outOfMemory: z.boolean().default(true),
  /** How long a figure must stay beyond its threshold, seconds. */
  forSeconds: z.int().min(0).max(3600).default(60),
  /** After how many seconds without a connection the control plane says `offline`. */
  offlineSeconds: z.int().min(10).max(86_400).default(90),
});
export type Thresholds = z.infer<typeof thresholdsSchema>;

export const agentAlertKinds = ['disk', 'memory', 'load', 'failed_unit', 'oom', 'certificate'] as const;

/** An alert that the agent makes itself. `key` tells alerts of a kind apart: the mount, the unit, the file. */
export const agentAlertSchema = z.object({
  kind: z.enum(agentAlertKinds),
  key: z.string().max(500),
  state: z.enum(['firing', 'resolved']),
  severity: z.enum(['critical', 'warning']),
  title: z.string().max(300),
  at: z.int(),
});
export type AgentAlert = z.infer<typeof agentAlertSchema>;
