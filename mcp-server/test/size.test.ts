/** Answers stay under 32 KiB, whole, and say how to get the rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  sampleAction,
  sampleDiagnosis,
  sampleEntry,
  sampleOperations,
  samplePlan,
  sampleServer,
} from './sample-operations.ts';
import { callTool } from './serve.ts';

test('when more servers exist than fit, pages follow each other without a gap or a repeat', async () => {
  const operations = sampleOperations();
  const all = Array.from({ length: 150 }, (_, n) => sampleServer(n));
  operations.answer('listServers', ({ limit, cursor }) => {
    const from = Number(cursor ?? 0);
    const to = from + Number(limit ?? 50);
    return { servers: all.slice(from, to), next_cursor: to < all.length ? String(to) : null };
  });
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await callTool(operations, 'list_servers', { limit: 200, ...(cursor === null ? {} : { cursor }) });
    seen.push(...answer.structured.servers.map(({ id }: { id: string }) => id));
    if (seen.length < all.length) assert.match(answer.structured.hint, /next_cursor/);
    cursor = answer.structured.next_cursor;
  } while (cursor !== null);
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  );
});

test('when one row alone is too large, it is cut and the answer says so', async () => {
  const operations = sampleOperations();
  operations.answer('getAuditLog', ({ limit }) => ({
    entries: Array.from({ length: Number(limit) }, (_, n) => sampleEntry(n, 'y'.repeat(60_000))),
    next_cursor: 'more',
  }));
  const { structured } = await callTool(operations, 'get_audit_log');
  assert.ok(structured.entries.length >= 3);
  assert.match(structured.entries[0].details.untrusted_output, /more characters/);
});

test('when a file is long, reading on from next_from_line gives every line once', async () => {
  const operations = sampleOperations();
  const lines = Array.from({ length: 900 }, (_, n) => `line ${n + 1} "quoted" ${'x'.repeat(40)}`);
  operations.answer('readFile', ({ from_line, lines: count }) => {
    const from = Number(from_line ?? 1);
    const text = lines.slice(from - 1, from - 1 + Number(count ?? 400));
    return {
      path: '/var/log/x',
      sha256: 'a'.repeat(64),
      bytes: 1,
      total_lines: lines.length,
      from_line: from,
      untrusted_output: `${text.join('\n')}\n`,
      redactions: 0,
      truncated: from + text.length - 1 < lines.length,
    };
  });
  const read: string[] = [];
  let from_line: number | null = 1;
  while (from_line !== null) {
    const { structured } = await callTool(operations, 'read_file', { server: 'web-1', path: '/var/log/x', from_line });
    read.push(...structured.untrusted_output.replace(/\n$/, '').split('\n'));
    assert.equal(structured.to_line, read.length);
    from_line = structured.next_from_line;
  }
  assert.deepEqual(read, lines);
});

test('when a line of a file is too long, it is cut and reading goes on after it', async () => {
  const operations = sampleOperations();
  operations.answer('readFile', () => ({
    path: '/var/log/x',
    sha256: 'a'.repeat(64),
    bytes: 1,
    total_lines: 2,
    from_line: 1,
    untrusted_output: `${'x'.repeat(90_000)}\nshort\n`,
    redactions: 0,
    truncated: false,
  }));
  const { structured } = await callTool(operations, 'read_file', { server: 'web-1', path: '/var/log/x' });
  assert.match(structured.untrusted_output, /more characters/);
  assert.equal(structured.next_from_line, 2);
  assert.equal(structured.truncated, true);
});

test('when a diagnosis is full of evidence, every finding stays and evidence is cut', async () => {
  const operations = sampleOperations();
  const [finding] = sampleDiagnosis('\\"\n'.repeat(2000)).findings;
  assert.ok(finding);
  const findings = Array.from({ length: 12 }, (_, n) => ({ ...finding, title: `finding ${n}` }));
  operations.answer('runDiagnostic', () => ({ ...sampleDiagnosis(), findings }));
  const { structured } = await callTool(operations, 'run_diagnostic', { server: 'web-1', description: 'all is bad' });
  assert.equal(structured.findings.length, 12);
  assert.match(structured.findings[0].evidence[0].untrusted_output, /more characters/);
  assert.match(structured.hint, /Cut to fit: name single diagnostics/);
});

test('when nothing is left to shorten, rows are dropped rather than the limit broken', async () => {
  const operations = sampleOperations();
  const [finding] = sampleDiagnosis('x'.repeat(8000)).findings;
  assert.ok(finding);
  const suggestions = Array.from({ length: 5 }, () => ({
    playbook: 'service.restart',
    parameters: { unit: 'n'.repeat(200), words: Array.from({ length: 40 }, () => 'w'.repeat(100)) },
    why: 'w'.repeat(300),
  }));
  const findings = Array.from({ length: 50 }, () => ({ ...finding, suggestions }));
  operations.answer('runDiagnostic', () => ({ ...sampleDiagnosis(), findings }));
  const { structured, bytes } = await callTool(operations, 'run_diagnostic', {
    server: 'web-1',
    description: 'it is bad',
  });
  assert.ok(structured.findings.length > 0);
  assert.match(structured.hint, /Cut to fit/);
  assert.ok(bytes > 8 * 1024, 'no more was dropped than had to be');
});

test('when a diff is huge, the action still comes with argv whole', async () => {
  const operations = sampleOperations();
  const action = sampleAction(samplePlan('high', '+ new line\n'.repeat(20_000)));
  operations.answer('writeFile', () => ({ action, diagnosis: null, repeated: false, approve_url: null }));
  const write = { server: 'web-1', path: '/etc/x', content: 'x', expected_sha256: null };
  const { structured } = await callTool(operations, 'write_file', write);
  assert.deepEqual(structured.steps[0].argv, [['systemctl', 'restart', '--', 'nginx.service']]);
  assert.match(structured.steps[0].untrusted_output, /more characters/);
  assert.match(structured.approve_url, /\/actions\/act_/);
});

test('when steps printed more than fits, the end of it stays', async () => {
  const operations = sampleOperations();
  const { structured: asked } = await callTool(operations, 'run_command', { server: 'web-1', argv: ['true'] });
  const lines = Array.from({ length: 2000 }, (_, n) => `line ${n} "quoted"`);
  operations.answer('getAction', () => ({
    ...operations.action(asked.action),
    untrusted_output: lines.join('\n'),
    output_truncated: false,
  }));
  const { structured } = await callTool(operations, 'get_action', { action: asked.action });
  assert.ok(structured.untrusted_output.endsWith('line 1999 "quoted"'));
  assert.ok(structured.untrusted_output.startsWith('line '), 'whole lines only');
  assert.equal(structured.output_truncated, true);
});
