/** What a runner says about an action that it carried out. */
import { z } from 'zod';

export const stepOutcomeSchema = z.object({
  step: z.string(),
  state: z.enum(['done', 'failed', 'stopped', 'skipped']),
  exitCode: z.int().nullable(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  summary: z.string().max(500),
});
export type StepOutcome = z.infer<typeof stepOutcomeSchema>;

export const checkOutcomeSchema = z.object({
  passed: z.boolean(),
  /** One line per reading: what was read and whether it is as expected. */
  readings: z
    .array(z.object({ capability: z.string(), passed: z.boolean(), said: z.string().max(500), at: z.int() }))
    .max(40),
});

export const actionResultSchema = z.object({
  /** `unknown`: the runner died in mid-step and could not find out how the step ended. */
  outcome: z.enum(['succeeded', 'failed', 'stopped', 'unknown']),
  /** One sentence for people. */
  summary: z.string().max(500),
  steps: z.array(stepOutcomeSchema).max(20),
  check: checkOutcomeSchema.nullable(),
  undo: z.object({
    state: z.enum(['not_needed', 'done', 'failed', 'impossible']),
    steps: z.array(stepOutcomeSchema).max(20),
  }),
  startedAt: z.int(),
  finishedAt: z.int(),
  /** Head of the runner's hash-chained journal after this action. */
  journalHead: z.string(),
});
export type ActionResult = z.infer<typeof actionResultSchema>;
