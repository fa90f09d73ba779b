/** Puts a diagnostic's report together: findings are bounded, stripped of control characters and redacted on the way. */
import {
  type DiagnosticReport,
  type Finding,
  rankFindings,
  redact,
  type Severity,
  type Suggestion,
  shorten,
  stripControl,
} from '@countersign/protocol';
import type { ObserveContext } from './capability.ts';

const FINDINGS_MAX = 50;
const EVIDENCE_MAX = 10;
const EVIDENCE_CHARACTERS = 8000;
/** All evidence of a report together stays below this, so that a report fits a frame and an answer. */
const REPORT_CHARACTERS = 60_000;

export interface FindingDraft {
  /** `disk.mount_full` */
  readonly kind: string;
  readonly severity: Severity;
  /** One sentence of ours, with the figure in it. */
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Where a piece of output comes from, and the output. Empty pieces are left out. */
  readonly evidence?: readonly (readonly [source: string, output: string])[];
  readonly causes?: readonly string[];
  readonly suggestions?: readonly Suggestion[];
}

export class Report {
  readonly #secrets: readonly string[];
  readonly #findings: Finding[] = [];
  readonly #figures: DiagnosticReport['figures'] = {};
  #redactions = 0;
  #characters = 0;
  #truncated = false;

  constructor(context: Pick<ObserveContext, 'localPolicy'>) {
    this.#secrets = context.localPolicy.secretValues ?? [];
  }

  add(draft: FindingDraft): void {
    if (this.#findings.length >= FINDINGS_MAX) {
      this.#truncated = true;
      return;
    }
    const evidence = (draft.evidence ?? []).filter(([, output]) => output.trim() !== '');
    if (evidence.length > EVIDENCE_MAX) this.#truncated = true;
    this.#findings.push({
      kind: draft.kind,
      severity: draft.severity,
      title: this.#line(draft.title),
      ...(draft.since === undefined ? {} : { since: new Date(draft.since).toISOString() }),
      evidence: evidence.slice(0, EVIDENCE_MAX).map(([source, output]) => ({
        source: this.#line(source),
        untrusted_output: this.#output(output),
      })),
      causes: (draft.causes ?? []).slice(0, 5).map((cause) => shorten(cause, 300)),
      suggestions: [...(draft.suggestions ?? [])].slice(0, 5).map((each) => ({ ...each, why: shorten(each.why, 300) })),
    });
  }

  figure(name: string, value: string | number | boolean | null): void {
    this.#figures[name] =
      typeof value === 'string' ? this.#line(value) : typeof value === 'number' ? rounded(value) : value;
  }

  /** Says what could not be seen and why, so that nobody takes silence for health. `what` begins the sentence. */
  blind(what: string, why: string): void {
    this.add({ kind: 'diagnostic.blind_spot', severity: 'info', title: `${what} could not be seen: ${why}.` });
  }

  /** Marks that something was left out. */
  cut(): void {
    this.#truncated = true;
  }

  get isCalm(): boolean {
    return this.#findings.every(({ severity }) => severity === 'info' || severity === 'ok');
  }

  finish(): DiagnosticReport {
    return {
      findings: rankFindings(this.#findings),
      figures: this.#figures,
      redactions: this.#redactions,
      truncated: this.#truncated,
    };
  }

  #line(text: string): string {
    const redacted = redact(stripControl(text).replace(/\s+/g, ' ').trim(), this.#secrets);
    this.#redactions += redacted.count;
    return shorten(redacted.text, 300);
  }

  #output(text: string): string {
    const room = Math.max(200, Math.min(EVIDENCE_CHARACTERS, REPORT_CHARACTERS - this.#characters));
    // Redacted before it is cut, so that no half of a secret is left at the edge.
    const redacted = redact(stripControl(text).trimEnd(), this.#secrets);
    this.#redactions += redacted.count;
    if (redacted.text.length > room) this.#truncated = true;
    const kept = shorten(redacted.text, room);
    this.#characters += kept.length;
    return kept;
  }
}

/** `812 MB`, `1.5 GB`: decimal, as disks are sold and `df -H` prints them. */
export function sayBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${bytes < 0 ? '-' : ''}${value.toFixed(digits)} ${units[unit]}`;
}

/** `94 %` */
export function sayRatio(ratio: number): string {
  return `${Math.floor(ratio * 100)} %`;
}

/** `3 minutes`, `2 days` */
export function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [value, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7200
        ? [Math.round(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.round(seconds / 3600), 'hour']
          : [Math.round(seconds / 86_400), 'day'];
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}

/** `1 file`, `3 files` */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function rounded(value: number): number {
  return Number.isInteger(value) ? value : Math.round(value * 1000) / 1000;
}
