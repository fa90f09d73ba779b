import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Severity } from '@countersign/protocol';
import { type Diagnosis, diagnosisSchema } from '@countersign/protocol/operator-api/index';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { boundDiagnosis, DIAGNOSIS_BYTES_MAX } from '../../src/diagnostics/bound-diagnosis.ts';

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

function diagnosis(findings: readonly [Severity, string][], more: Partial<Diagnosis> = {}): Diagnosis {
  return {
    server: { id: 'srv_000000000000', name: 'web-1' },
    at: '2026-11-20T02:13:00.000Z',
    chosen_because: null,
    findings: findings.map(([severity, text], n) => ({
      kind: 'logs.errors',
      severity,
      title: `Finding ${n}`,
      evidence: text === '' ? [] : [{ source: 'journalctl', untrusted_output: text }],
      causes: [],
      suggestions: [],
      diagnostic: 'logs',
    })),
    diagnostics: [{ diagnostic: 'logs', ms: 12, figures: {}, error: null }],
    redactions: 0,
    truncated: false,
    ...more,
  };
}

test('when an answer is small, it stays as it is', () => {
  const small = diagnosis([['critical', 'x'.repeat(1000)]]);
  assert.equal(boundDiagnosis(small), small);
});

test('when evidence is long, the harmless findings lose theirs first, and what was cut says so', () => {
  const text = `first line\n${'x'.repeat(7900)}\nlast line`;
  const bounded = boundDiagnosis(
    diagnosis([
      ['critical', text],
      ['warning', text],
      ['info', text],
      ['ok', text],
      ['ok', text],
    ]),
  );
  assert.ok(bytes(bounded) <= DIAGNOSIS_BYTES_MAX);
  assert.ok(bounded.truncated);
  const of = (n: number) => bounded.findings[n]?.evidence[0]?.untrusted_output ?? '';
  assert.equal(of(0), text, 'the critical one is whole');
  assert.ok(of(3).length <= 1000);
  assert.match(of(3), /^first line/);
  assert.match(of(3), /last line$/);
  assert.match(of(3), /\(\d+ characters left out\)/);
});

test('when the worst of everything comes, the answer still fits, still parses, and the worst findings are in it', () => {
  const text = '\u0001"\\€😀'.repeat(1600);
  const findings = Array.from({ length: 500 }, (_, n): [Severity, string] => [n < 100 ? 'critical' : 'info', text]);
  const figures = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`figure_${n}`, 'y'.repeat(500)]));
  const answers = Array.from({ length: 10 }, () => ({ diagnostic: 'logs', ms: 1, figures, error: null }));
  const from = cpuMs();
  const bounded = boundDiagnosis(diagnosis(findings, { diagnostics: answers }));
  assert.ok(cpuMs() - from < 3000);
  assert.ok(bytes(bounded) <= DIAGNOSIS_BYTES_MAX, `${bytes(bounded)} bytes`);
  assert.deepEqual(diagnosisSchema.parse(bounded), bounded);
  assert.equal(bounded.findings[0]?.severity, 'critical');
  assert.match(bounded.findings.at(-1)?.title ?? '', /^\d+ more findings were left out/);
});
