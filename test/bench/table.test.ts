/** How the figures are shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goals } from './goals/index.ts';
import { atMost, goalIds, judge } from './judge.ts';
import { page } from './page.ts';
import { findPeer } from './peers/find-program.ts';
import { plot } from './plot.ts';
import type { Report } from './report.ts';
import { figure, markdownTable, terminalTable } from './table.ts';

const base = { goal: 'G8', unit: 'ms', note: 'a note' } as const;
const met = judge({
  ...base,
  what: '`true`, p50',
  rounds: [10, 10, 10],
  peer: { name: 'ssh', rounds: [10, 12.5, 10] },
  bound: atMost(1.2),
});
const missing = judge({
  ...base,
  what: 'a | b',
  rounds: [1, 2, 3],
  peer: { name: 'monit', missing: 'monit' },
  bound: atMost(1),
});
const notMet = judge({ ...base, what: 'start', rounds: [90, 100, 110], bound: atMost(50) });
const rows = [met, missing, notMet];

test('when figures are written, three digits count', () => {
  assert.deepEqual([0, 0.01234, 1.234, 12.34, 123.4, 12_345].map(figure), [
    '0',
    '0.0123',
    '1.23',
    '12.3',
    '123',
    '12,300',
  ]);
  assert.equal(figure(Number.NaN), '–');
});

test('when a peer is missing, the table says so with its package and does not guess', () => {
  const text = terminalTable(rows);
  assert.match(text, /monit: not on this machine \(Debian: monit\)/);
  assert.match(text, /peer missing/);
  assert.match(
    text,
    /G8 +`true`, p50 +10\.0 ms +ssh: 10\.0 ms \(10\.0 to 12\.5\) +1\.00 \(0\.800 to 1\.00\) +≤ 1\.2 × +met\n +a note/,
  );
  assert.match(text, /start +100 ms \(90\.0 to 110\) +– +– +≤ 50\.0 ms +not met/);
});

test('when the table is Markdown, each row has as many cells as the heading', () => {
  const lines = markdownTable(rows).split('\n');
  assert.equal(lines.length, 5);
  for (const line of lines) assert.equal(line.replaceAll('\\|', '').split('|').length, 9, line);
  assert.match(lines[2] ?? '', /\*\*met\*\*/);
});

test('when the picture is drawn, what was judged has a bar and what was not has none', () => {
  const svg = plot(rows);
  assert.equal(svg.match(/fill="#2e7d4f"/g)?.length, 1);
  assert.equal(svg.match(/fill="#c2571a"/g)?.length, 1);
  assert.doesNotMatch(svg, /monit|`/);
  assert.match(plot([{ ...notMet, againstGoal: null }]), />far</);
});

const report: Report = {
  ...{ at: '2026-11-21T16:00:00.000Z', quick: false, machine: '2 × CPU', load: [2.5, 3], versions: { node: '26.0.0' } },
  ...{ rows, failed: { G9: 'the proxy fell' } },
};

test('when the page is written, every goal is there, with what failed and what ran beside', () => {
  const text = page([report], goals);
  for (const id of goalIds) assert.match(text, new RegExp(`^## ${id}$`, 'm'));
  assert.match(text, /1 of 2 judged figures are as asked/);
  assert.match(text, /or other work ran/);
  assert.match(text, /## G9\n[\s\S]*?- Not measured: The proxy fell\./);
  assert.match(text, /## G1\n[\s\S]*?- Not measured in these runs\./);
});

test('when a later run measured a goal again, its rows take the place of the earlier ones', () => {
  const later: Report = {
    ...report,
    at: '2026-11-21T17:00:00.000Z',
    rows: [judge({ ...base, what: 'anew', rounds: [1, 1, 1] })],
    failed: {},
  };
  const text = page([report, later], goals);
  assert.match(text, /\| anew \|/);
  assert.doesNotMatch(text, /\| start \|/);
});

test('when a program is looked for, it is a path that can be run, or the name of a package', () => {
  const found = findPeer('monit');
  if ('missing' in found) assert.equal(found.missing, 'monit');
  else assert.match(found.path, /^\/.*monit$/);
});

test('when the goals are listed, each of the twelve is there once, in order', () => {
  assert.deepEqual(
    goals.map(({ id }) => id),
    goalIds,
  );
});
