/** The answer to `run_diagnostic`: what several diagnostics found together. */
import { z } from 'zod';
import { errorBodySchema } from '../errors.ts';
import { findingSchema } from '../findings.ts';

/** One report of a diagnostic, or why there is none. */
export const diagnosticAnswerSchema = z.object({
  diagnostic: z.string(),
  ms: z.number(),
  figures: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  error: errorBodySchema.nullable(),
});

export const diagnosisSchema = z.object({
  server: z.object({ id: z.string(), name: z.string() }),
  at: z.string(),
  /** Why these diagnostics were chosen, when a description was given. */
  chosen_because: z.string().nullable(),
  /** Worst first. */
  findings: z.array(findingSchema.extend({ diagnostic: z.string() })),
  diagnostics: z.array(diagnosticAnswerSchema),
  redactions: z.int(),
  truncated: z.boolean(),
});
export type Diagnosis = z.infer<typeof diagnosisSchema>;
