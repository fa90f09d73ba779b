/** Findings for tests, as agents send them. */
import type { Severity } from '@countersign/protocol';
import type { Found } from '../../src/diagnostics/things-of.ts';

export const now = Date.UTC(2026, 10, 20, 2, 13);
export const minutesAgo = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

interface Draft {
  readonly severity?: Severity;
  /** Minutes ago. */
  readonly since?: number;
  readonly output?: string;
  readonly offers?: Found['suggestions'];
  readonly diagnostic?: string;
}

export function found(
  kind: string,
  title: string,
  { severity = 'critical', since, output, offers = [], diagnostic }: Draft = {},
): Found {
  return {
    kind,
    severity,
    title,
    ...(since === undefined ? {} : { since: minutesAgo(since) }),
    evidence: output === undefined ? [] : [{ source: 'journal', untrusted_output: output }],
    causes: [],
    suggestions: offers,
    diagnostic: diagnostic ?? kind.split('.')[0] ?? '',
  };
}

export function offer(playbook: string, parameters: Readonly<Record<string, unknown>>): Found['suggestions'][number] {
  return { playbook, parameters, why: 'It helps.' };
}
