/** The answer to `run_diagnostic`: what several diagnostics found together. */
import { z } from 'zod';
import { errorBodySchema } from '../error-body.ts';
import { findingSchema, severitySchema, suggestionSchema } from '../findings.ts';

/** One report of a diagnostic, or why there is none. */
export const diagnosticAnswerSchema = z.object({
  diagnostic: z.string(),
  ms: z.number(),
  figures: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  error: errorBodySchema.nullable(),
});

/** One of several findings that belong together, or the action that came before them. */
export const findingPartSchema = z.object({
  /** What found it; absent for an action. */
  diagnostic: z.string().optional(),
  /** The action, when the part is one. */
  action: z.string().optional(),
  kind: z.string(),
  severity: severitySchema,
  title: z.string(),
  since: z.string().optional(),
});

/** A finding as people and assistants see it: of one diagnostic, or of several that belong together. */
export const foundSchema = findingSchema.extend({
  /** What found it; of findings that belong together, the one whose sentence is told. */
  diagnostic: z.string(),
  suggestions: z
    .array(
      suggestionSchema.extend({
        /** Why the playbook cannot be run on this server, as half a sentence. Absent: it can. */
        unfit: z.string().optional(),
        /** Parameters that only a person can know. */
        missing: z.array(z.string()).optional(),
      }),
    )
    .max(5),
  /** The findings that this one is made of, and why they belong together. Absent: it stands alone. */
  together: z.object({ why: z.array(z.string()), parts: z.array(findingPartSchema) }).optional(),
});

export const diagnosisSchema = z.object({
  server: z.object({ id: z.string(), name: z.string() }),
  at: z.string(),
  /** Why these diagnostics were chosen, when a description was given. */
  chosen_because: z.string().nullable(),
  /** Worst first; among equals those that explain several others. */
  findings: z.array(foundSchema),
  diagnostics: z.array(diagnosticAnswerSchema),
  redactions: z.int(),
  truncated: z.boolean(),
});
export type Diagnosis = z.infer<typeof diagnosisSchema>;
