/** What diagnostics found, as assistants see it: worst first, evidence marked as data. */
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { oneLine } from './untrusted.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const findingSchema = z.object({
  diagnostic: z.string(),
  kind: z.string(),
  severity: z.enum(['critical', 'warning', 'info', 'ok']),
  title: z.string(),
  since: z.string().optional(),
  causes: z.array(z.string()),
  suggestions: z
    .array(
      z.object({
        playbook: z.string(),
        parameters: z.record(z.string(), z.unknown()),
        why: z.string(),
        unfit: z.string().optional().describe('why it cannot run here'),
        missing: z.array(z.string()).optional().describe('what you must add'),
      }),
    )
    .describe('for run_playbook'),
  together: z
    .object({ why: z.array(z.string()), parts: z.array(z.looseObject({ kind: z.string(), title: z.string() })) })
    .optional()
    .describe('findings that this one is made of'),
  evidence: z.array(z.object({ source: z.string(), untrusted_output: z.string() })),
});

export const diagnosisSchema = z.object({
  server: z.string(),
  at: z.string(),
  chosen_because: z.string().nullable(),
  findings: z.array(findingSchema).describe('worst first'),
  diagnostics: z.array(
    z.object({
      diagnostic: z.string(),
      ms: z.number(),
      figures: z.record(z.string(), scalar),
      error: z
        .object({ code: z.string(), next_step: z.string(), untrusted_output: z.string() })
        .nullable()
        .describe('why it gave nothing'),
    }),
  ),
  redactions: z.int().describe('secrets blacked out'),
  truncated: z.boolean(),
});

export function diagnosisView(diagnosis: Diagnosis): z.input<typeof diagnosisSchema> {
  return {
    server: diagnosis.server.name,
    at: diagnosis.at,
    chosen_because: diagnosis.chosen_because,
    findings: diagnosis.findings.map(findingView),
    diagnostics: diagnosis.diagnostics.map(({ diagnostic, ms, figures, error }) => ({
      diagnostic,
      ms: Math.round(ms),
      figures,
      error: error && { code: error.code, next_step: error.next_step, untrusted_output: oneLine(error.message, 1000) },
    })),
    redactions: diagnosis.redactions,
    truncated: diagnosis.truncated,
  };
}

function findingView(finding: Diagnosis['findings'][number]): z.input<typeof findingSchema> {
  const { diagnostic, kind, severity, title, since, causes, suggestions, evidence, together } = finding;
  return {
    diagnostic,
    kind,
    severity,
    title: oneLine(title, 300),
    ...(since === undefined ? {} : { since }),
    causes: causes.map((cause) => oneLine(cause, 300)),
    suggestions,
    ...(together === undefined ? {} : { together: togetherView(together) }),
    evidence: evidence.map(({ source, untrusted_output }) => ({ source: oneLine(source, 300), untrusted_output })),
  };
}

function togetherView({ why, parts }: NonNullable<Diagnosis['findings'][number]['together']>) {
  return {
    why: why.map((each) => oneLine(each, 300)),
    parts: parts.map((part) => ({ ...part, title: oneLine(part.title, 300) })),
  };
}
