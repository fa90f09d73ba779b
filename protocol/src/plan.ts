/**
 * A plan: a playbook, a command or a file change rendered for one server with every value filled in. What a human approves
 * is the digest of its canonical JSON; the server recomputes it. Source: design.md, sections 2, 6 and 7.
 */
import { z } from 'zod';
import { anyJsonSchema } from './any-json.ts';
import {
  argvSchema,
  capability,
  changeIdSchema,
  observationIdSchema,
  riskSchema,
  sha256Schema,
} from './capabilities/index.ts';
import { expectationSchema } from './expectation.ts';
import { idSchema } from './ids.ts';
import { highestRisk, type Risk } from './risk.ts';

// A plan is parsed several times on its way, and most of that were the schemas of its parameters.
const parametersSchema = z.record(z.string(), anyJsonSchema);

/** A reading and what it must be. */
export const planProbeSchema = z.strictObject({
  capability: observationIdSchema,
  parameters: parametersSchema,
  expect: expectationSchema,
});

/** One change. Step ids are unique in a plan and name the transient unit on the server. */
export const planStepSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/),
  capability: changeIdSchema,
  parameters: parametersSchema,
  timeout_ms: z.int().positive().max(3_600_000),
});

export const planSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('playbook'), id: z.string(), version: z.int(), sha256: sha256Schema }),
  z.strictObject({ kind: z.literal('command') }),
  z.strictObject({ kind: z.literal('file') }),
]);

/** What the server says a step will do, made on the server before anybody is asked. */
export const stepPreviewSchema = z.strictObject({
  step: z.string(),
  /** Exactly what will be started, in order. Empty for a step that starts no process. */
  argv: z.array(argvSchema).max(20),
  /** Unified diff of the file that changes, redacted; null when none does. */
  diff: z
    .string()
    .max(256 * 1024)
    .nullable(),
  /** What will happen, in sentences with figures: `Frees about 812 MB`. */
  effects: z.array(z.string().max(500)).max(20),
  /** How it is taken back; null when it cannot be. */
  undo: z.string().max(500).nullable(),
});

/** One fact about the present state that must still hold when the plan starts. */
export const witnessFactSchema = z.strictObject({
  /** What it is about: `unit nginx.service`, `file /etc/nginx/nginx.conf`. */
  subject: z.string().max(4200),
  property: z.string().max(100),
  value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
});
export type WitnessFact = z.infer<typeof witnessFactSchema>;

export const previewSchema = z.strictObject({
  steps: z.array(stepPreviewSchema).max(20),
  witness: z.array(witnessFactSchema).max(200),
  /** Whether the server could say beforehand what will happen. False for commands. */
  predictable: z.boolean(),
});
export type Preview = z.infer<typeof previewSchema>;
export type StepPreview = z.infer<typeof stepPreviewSchema>;

/** A plan before the server has previewed it. */
export const planDraftSchema = z.strictObject({
  format: z.literal('countersign-plan/2'),
  server: z.strictObject({ id: idSchema('srv'), name: z.string() }),
  source: planSourceSchema,
  /** What it does, in our words: `Restart nginx.service on web-1`. Never the assistant's prose. */
  title: z.string().max(300),
  risk: riskSchema,
  /** Whether a failed check can be undone. */
  reversible: z.boolean(),
  /** The values that were asked for, after parsing, with defaults. */
  parameters: parametersSchema,
  preconditions: z.array(planProbeSchema).max(20),
  steps: z.array(planStepSchema).min(1).max(20),
  check: z.strictObject({
    probes: z.array(planProbeSchema).max(20),
    /** Wait before the first reading. */
    settle_ms: z.int().nonnegative().max(600_000),
    /** Wait before the second reading; 0 for none. */
    stable_ms: z.int().nonnegative().max(600_000),
  }),
  /** Steps that take everything back, run in this order. Empty: each step's own undo, in reverse. */
  undo: z.array(planStepSchema).max(20),
  /**
   * Set when the plan could lock everybody out of the server. The server then takes everything back by itself unless a human
   * confirms within this time that it can still be reached.
   */
  confirm: z.strictObject({ within_ms: z.int().min(10_000).max(3_600_000), because: z.string().max(300) }).nullable(),
});
export type PlanDraft = z.infer<typeof planDraftSchema>;

/**
 * Which request a plan is for. Part of the digest, so that an approval, even a signed one, is good for one action only and
 * not after its time, whatever a control plane does with it.
 */
export const planRequestSchema = z.strictObject({
  action: idSchema('act'),
  /** Nothing starts after this, milliseconds since 1970: the end of the time to decide and of the time to start. */
  valid_until: z.int(),
});

export const planSchema = z.strictObject({
  ...planDraftSchema.shape,
  preview: previewSchema,
  request: planRequestSchema,
});
export type Plan = z.infer<typeof planSchema>;
export type PlanStep = z.infer<typeof planStepSchema>;
export type PlanProbe = z.infer<typeof planProbeSchema>;

/**
 * How much harm a plan can do: the highest of what it says itself and of everything that it may run, its undo steps with it. What
 * a server counts by, whatever a control plane writes as its risk.
 */
export function planRisk({ risk, steps, undo }: Pick<PlanDraft, 'risk' | 'steps' | 'undo'>): Risk {
  return highestRisk([risk, ...[...steps, ...undo].map((step) => capability(step.capability).risk)]);
}

/** The part of a digest that people compare by eye, the same on every screen. */
export function fingerprint(digest: string): string {
  return digest.slice(0, 8);
}
