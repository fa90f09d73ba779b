/** Runs diagnostics on one server, all at once and within 20 s, and joins what they find. */

import type { DiagnosticId, DiagnosticReport } from '@countersign/protocol';
import { capability, Fault, fault, isoTime, type ParametersOf, rankFindings } from '@countersign/protocol';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import type { Core, Fleet } from '../ports.ts';
import { boundDiagnosis } from './bound-diagnosis.ts';
import type { Reading } from './choose-readings.ts';

export type DiagnoseDeps = Pick<Core, 'clock' | 'ids' | 'log'> & { readonly fleet: Pick<Fleet, 'observe'> };

/** When an answer is given with what is there by then, milliseconds. */
export const DIAGNOSIS_MS = 20_000;

interface Outcome {
  readonly diagnostic: DiagnosticId;
  readonly ms: number;
  readonly report: DiagnosticReport | null;
  readonly fault: Fault | null;
}

/**
 * What the readings found, worst first; a reading that failed says why, and the others count. Under 32 KiB as JSON. Rejects
 * when nothing at all came back (with the first reading's fault: `server_offline`, `agent_timeout`, `capability_missing`, …),
 * with `invalid_input` for parameters that do not fit, or with the signal's reason.
 */
export async function diagnose(
  deps: DiagnoseDeps,
  server: { readonly id: string; readonly name: string },
  readings: readonly Reading[],
  { because, signal }: { readonly because: string | null; readonly signal: AbortSignal },
): Promise<Diagnosis> {
  const late = new AbortController();
  const cancel = deps.clock.after(DIAGNOSIS_MS, () =>
    late.abort(fault('agent_timeout', { server: server.name, seconds: DIAGNOSIS_MS / 1000 })),
  );
  try {
    const both = AbortSignal.any([signal, late.signal]);
    const outcomes = await Promise.all(readings.map((reading) => read(deps, server, reading, both)));
    signal.throwIfAborted();
    const failed = outcomes.find((outcome) => outcome.fault !== null)?.fault;
    if (failed && outcomes.every(({ report }) => report === null)) throw failed;
    return boundDiagnosis(join(deps.clock.now(), server, because, outcomes));
  } finally {
    cancel();
  }
}

async function read(
  deps: DiagnoseDeps,
  server: { readonly id: string; readonly name: string },
  { diagnostic, parameters }: Reading,
  signal: AbortSignal,
): Promise<Outcome> {
  const from = deps.clock.monotonic();
  const outcome = (report: DiagnosticReport | null, why: Fault | null): Outcome => ({
    diagnostic,
    ms: Math.round(deps.clock.monotonic() - from),
    report,
    fault: why,
  });
  try {
    const { parameters: schema, timeoutMs } = capability(diagnostic);
    const parsed = schema.parse(parameters) as ParametersOf<typeof diagnostic>;
    return outcome(await deps.fleet.observe(server.id, diagnostic, parsed, { signal, timeoutMs }), null);
  } catch (error) {
    if (error instanceof Fault) return outcome(null, error);
    const reference = deps.ids.id('req');
    if (!signal.aborted) deps.log.error('diagnostic.failed', { reference, diagnostic, error: String(error) });
    return outcome(null, fault('internal', { reference }, error));
  }
}

function join(
  now: number,
  server: { readonly id: string; readonly name: string },
  because: string | null,
  outcomes: readonly Outcome[],
): Diagnosis {
  const found = outcomes.flatMap(({ diagnostic, report }) =>
    (report?.findings ?? []).map((finding) => ({ ...finding, diagnostic })),
  );
  return {
    server: { id: server.id, name: server.name },
    at: isoTime(now),
    chosen_because: because,
    findings: rankFindings(found),
    diagnostics: outcomes.map((outcome) => ({
      diagnostic: outcome.diagnostic,
      ms: outcome.ms,
      figures: outcome.report?.figures ?? {},
      error: outcome.fault?.body ?? null,
    })),
    redactions: outcomes.reduce((sum, { report }) => sum + (report?.redactions ?? 0), 0),
    truncated: outcomes.some(({ report }) => report?.truncated),
  };
}
