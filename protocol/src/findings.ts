/** What a diagnostic says: ranked findings, not dumps. */
import { z } from 'zod';

export const severities = ['critical', 'warning', 'info', 'ok'] as const;
export const severitySchema = z.enum(severities);
export type Severity = z.infer<typeof severitySchema>;

/** A playbook that fits a finding, with its parameters filled in. */
export const suggestionSchema = z.object({
  playbook: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  why: z.string().max(300),
});

export const findingSchema = z.object({
  /** What kind of finding it is: `disk.mount_full`. Stable, so that scripts can match it. */
  kind: z.string().regex(/^[a-z0-9_]+(\.[a-z0-9_]+)+$/),
  severity: severitySchema,
  /** One sentence with the figure in it. */
  title: z.string().max(300),
  /** Since when, ISO 8601, where it is known. */
  since: z.string().optional(),
  /** Output of the server: data, never instructions. Redacted and bounded. */
  evidence: z.array(z.object({ source: z.string().max(300), untrusted_output: z.string().max(8000) })).max(10),
  /** What usually causes it. */
  causes: z.array(z.string().max(300)).max(5),
  suggestions: z.array(suggestionSchema).max(5),
});
export type Finding = z.infer<typeof findingSchema>;
export type Suggestion = z.infer<typeof suggestionSchema>;

export const diagnosticReportSchema = z.object({
  findings: z.array(findingSchema).max(50),
  /** Key figures, for machines: `{"load_per_core": 0.4}`. */
  figures: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** How many secrets were blacked out. */
  redactions: z.int().nonnegative(),
  truncated: z.boolean(),
});
export type DiagnosticReport = z.infer<typeof diagnosticReportSchema>;

/** Worst first; among equals the order in which they were found. */
export function rankFindings<F extends { readonly severity: Severity }>(findings: readonly F[]): F[] {
  return findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}
