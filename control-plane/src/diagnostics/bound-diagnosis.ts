/**
 * Keeps an answer small enough for an assistant to read: the least telling parts go first, and what was cut says so. Pure.
 * Clients cut results at about 45,000 characters by themselves, in the middle (design.md, section 9).
 */
import type { Severity } from '@countersign/protocol';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';

/** Room for what wraps the answer is left below 32 KiB. */
export const DIAGNOSIS_BYTES_MAX = 30 * 1024;

type Finding = Diagnosis['findings'][number];

/** Each pass cuts deeper; the harmless findings go before the others. */
const PASSES: readonly { readonly of: readonly Severity[]; readonly evidence: number }[] = [
  { of: ['ok', 'info'], evidence: 1000 },
  { of: ['warning'], evidence: 2500 },
  { of: ['critical'], evidence: 4000 },
  { of: ['ok', 'info'], evidence: 200 },
  { of: ['warning'], evidence: 1000 },
  { of: ['critical'], evidence: 2000 },
  { of: ['ok', 'info'], evidence: 0 },
  { of: ['warning'], evidence: 300 },
  { of: ['critical'], evidence: 800 },
  { of: ['warning', 'critical'], evidence: 200 },
];
const FIGURE_CHARACTERS = 200;
/** The part of the room that figures may take when there is not enough for everything. */
const FIGURES_SHARE = 1 / 3;

/** The diagnosis itself when it is small enough; otherwise a smaller one with `truncated` set. */
export function boundDiagnosis(diagnosis: Diagnosis, maxBytes = DIAGNOSIS_BYTES_MAX): Diagnosis {
  if (bytesOf(diagnosis) <= maxBytes) return diagnosis;
  let bounded: Diagnosis = { ...diagnosis, truncated: true };
  for (const { of, evidence } of PASSES) {
    const findings = bounded.findings.map((it) => (of.includes(it.severity) ? withLessEvidence(it, evidence) : it));
    bounded = { ...bounded, findings };
    if (bytesOf(bounded) <= maxBytes) return bounded;
  }
  const each = (maxBytes * FIGURES_SHARE) / Math.max(1, bounded.diagnostics.length);
  bounded = { ...bounded, diagnostics: bounded.diagnostics.map((answer) => withFewerFigures(answer, each)) };
  return withFewerFindings(bounded, maxBytes);
}

function withLessEvidence(finding: Finding, characters: number): Finding {
  return {
    ...finding,
    evidence:
      characters === 0
        ? []
        : finding.evidence.map((it) => ({ ...it, untrusted_output: cutMiddle(it.untrusted_output, characters) })),
  };
}

/** The beginning tells what it is, the end what came last: the middle goes. */
function cutMiddle(text: string, max: number): string {
  if (text.length <= max) return text;
  const mark = ` … (${text.length - max} characters left out) … `;
  const room = Math.max(0, max - mark.length);
  const head = Math.floor(room / 3);
  return text.slice(0, head).toWellFormed() + mark + text.slice(text.length - (room - head)).toWellFormed();
}

function withFewerFigures(answer: Diagnosis['diagnostics'][number], maxBytes: number) {
  const figures: typeof answer.figures = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(answer.figures)) {
    const shown = typeof value === 'string' ? cutMiddle(value, FIGURE_CHARACTERS) : value;
    bytes += bytesOf([name, shown]);
    if (bytes > maxBytes) break;
    figures[name] = shown;
  }
  return { ...answer, figures };
}

/** The findings are ranked, so the last ones tell least. The number of those left out stands in a finding of its own. */
function withFewerFindings(diagnosis: Diagnosis, maxBytes: number): Diagnosis {
  const all = diagnosis.findings;
  for (let kept = all.length; kept >= 0; kept -= Math.max(1, Math.ceil(kept / 10))) {
    const bounded =
      kept === all.length ? diagnosis : { ...diagnosis, findings: [...all.slice(0, kept), leftOut(all.length - kept)] };
    if (bytesOf(bounded) <= maxBytes) return bounded;
    if (kept === 0) break;
  }
  const diagnostics = diagnosis.diagnostics.map((answer) => ({ ...answer, figures: {} }));
  return { ...diagnosis, findings: [leftOut(all.length)], diagnostics };
}

function leftOut(count: number): Finding {
  return {
    kind: 'answer.cut',
    severity: 'info',
    title: `${count} more findings were left out: run single diagnostics by id to see them`,
    evidence: [],
    causes: [],
    suggestions: [],
    diagnostic: 'overview',
  };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
