/** Runs diagnostics on one server, all at once and within 20 s, and joins what they find. */

import type { Playbook } from '@countersign/playbooks';
import type { DiagnosticId, DiagnosticReport } from '@countersign/protocol';
import { capability, Fault, fault, isoTime, type ParametersOf, rankFindings, shorten } from '@countersign/protocol';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import { abilitiesOf } from '../actions/server-allows.ts';
import { serverById } from '../fleet/server.store.ts';
import type { Core, Fleet } from '../ports.ts';
import { boundDiagnosis } from './bound-diagnosis.ts';
import type { Reading } from './choose-readings.ts';
import { correlate } from './correlate.ts';
import { judgeSuggestions } from './judge-suggestions.ts';
import { recentChanges } from './recent-changes.store.ts';
import type { Found } from './things-of.ts';

export interface DiagnoseDeps extends Pick<Core, 'db' | 'clock' | 'ids' | 'log'> {
  readonly fleet: Pick<Fleet, 'observe'>;
  readonly playbooks: ReadonlyMap<string, Playbook>;
}

/** How far back an action may lie to be named beside what began after it. */
const CHANGES_MS = 7 * 24 * 60 * 60_000;

/** When an answer is given with what is there by then, milliseconds. */
export const DIAGNOSIS_MS = 20_000;

interface Outcome {
  readonly diagnostic: DiagnosticId;
  readonly ms: number;
  readonly report: DiagnosticReport | null;
  readonly fault: Fault | null;
}

/**
 * What the readings found, worst first, what belongs together as one; a reading that failed says why, and the others count.
 * Suggestions can be run as they stand, or say why not here. Under 32 KiB as JSON. Rejects
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
    const findings = await understand(deps, server, outcomes);
    return boundDiagnosis(answer(deps.clock.now(), { server, because, outcomes, findings }));
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

/** The findings of all, with suggestions that can be run, and with what belongs together joined. */
async function understand(
  { db, clock, log, playbooks }: DiagnoseDeps,
  server: { readonly id: string; readonly name: string },
  outcomes: readonly Outcome[],
): Promise<Found[]> {
  const found = outcomes.flatMap(({ diagnostic, report, fault: why }): Found[] =>
    why === null
      ? (report?.findings ?? []).map((finding) => ({ ...finding, diagnostic }))
      : [blindSpot(diagnostic, why.message)],
  );
  const row = await serverById(db, server.id);
  if (row === undefined) return rankFindings(found);
  const { findings, defects } = judgeSuggestions(found, { playbooks, abilities: abilitiesOf(row) });
  for (const defect of defects) log.error('suggestion.invalid', { server: server.name, ...defect });
  const now = clock.now();
  return rankFindings(correlate(findings, { changes: await recentChanges(db, server.id, now - CHANGES_MS), now }));
}

/** Nobody should take silence for health. */
function blindSpot(diagnostic: DiagnosticId, why: string): Found {
  return {
    kind: 'diagnostic.blind_spot',
    severity: 'info',
    title: shorten(`${diagnostic} could not be read: ${why}`, 300),
    evidence: [],
    causes: [],
    suggestions: [],
    diagnostic,
  };
}

interface Answered {
  readonly server: { readonly id: string; readonly name: string };
  readonly because: string | null;
  readonly outcomes: readonly Outcome[];
  readonly findings: Found[];
}

function answer(now: number, { server, because, outcomes, findings }: Answered): Diagnosis {
  return {
    server: { id: server.id, name: server.name },
    at: isoTime(now),
    chosen_because: because,
    findings,
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
