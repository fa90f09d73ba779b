/** The figures of a load in words, for people. */
import { percentile } from '../bench/statistics.ts';
import type { LatencyRow } from './latencies.ts';
import { PULSE } from './pulse.ts';
import type { LoadResult } from './run-load.ts';
import { TO_STEADY } from './traffic.ts';

/** Problems shown at most: the first say it all. */
const PROBLEMS_SHOWN = 30;

/** Lines to print. */
export function reportLines(result: LoadResult): string[] {
  const { servers, enrolSeconds, connectSeconds, perAgent, makerLateMs, leftOut, judged } = result;
  return [
    `${servers} servers: enrolled in ${enrolSeconds.toFixed(1)} s, connected for the first time in ${connectSeconds.toFixed(1)} s`,
    `memory per idle agent: ${perAgent.rssKb.toFixed(1)} KB resident, ${perAgent.anonymousKb.toFixed(1)} KB of it anonymous`,
    `CPU per idle agent: ${perAgent.idleCpuMsPerMinute.toFixed(2)} ms per minute`,
    ...result.storms.map(
      ({ what, agents, seconds, answersAfterSeconds }) =>
        `${what}: all ${agents} agents back after ${seconds.toFixed(1)} s` +
        (answersAfterSeconds === null ? '' : `; it answered again after ${answersAfterSeconds.toFixed(1)} s`),
    ),
    ...stormCost(result.latencies),
    '',
    ...processTable(result),
    '',
    ...latencyTable(result.latencies),
    `(${PULSE}: every 200 ms, costs next to nothing: how long the control plane keeps everybody waiting)`,
    '',
    ...countLines('no good answer', result.refusals),
    ...countLines('attempts to connect that failed', {
      'of those who behave': result.failedConnects,
      others: result.troubleEnded,
    }),
    `left out since too much was under way: ${leftOut.calls} calls, ${leftOut.actions} requests for a change`,
    `the load maker itself was late by at most ${makerLateMs.toFixed(0)} ms`,
    ...approvalLines(judged.approvalToServer),
    `actions: ${JSON.stringify(judged.states)}; ${judged.approved} approved, ${judged.done} done, ${judged.toldAgain} grants came twice; ${judged.alerts} alerts`,
    ...problemLines(result.problems),
  ];
}

function problemLines(problems: readonly string[]): string[] {
  if (problems.length === 0) return ['Nothing was lost, nothing was done twice, the audit log verifies.'];
  return [`${problems.length} PROBLEMS`, ...problems.slice(0, PROBLEMS_SHOWN)];
}

/** Goal G5: what a call to another server takes while thousands come back. */
function stormCost(rows: readonly LatencyRow[]): string[] {
  const of = (phase: string) => rows.find((row) => row.kind === TO_STEADY && row.phase === phase);
  const [quiet, cut] = [of('quiet'), of('all links cut')];
  if (!quiet || !cut) return [];
  const times = (cut.p99 / quiet.p99).toFixed(1);
  return [
    `calls to servers that kept their link, p99: ${ms(quiet.p99)} quiet, ${ms(cut.p99)} in the storm, ${times} times`,
  ];
}

function processTable({ process }: LoadResult): string[] {
  return table(
    ['control plane', 'seconds', 'CPU, % of a core', 'waited for a core, %', 'resident MB', 'anonymous MB'],
    process.map(({ phase, seconds, cpu, waited, rss, anonymous }) => [
      phase,
      seconds.toFixed(1),
      (cpu * 100).toFixed(0),
      (waited * 100).toFixed(0),
      rss.toFixed(0),
      anonymous.toFixed(0),
    ]),
  );
}

function latencyTable(rows: readonly LatencyRow[]): string[] {
  return table(
    ['phase', 'call', 'calls', 'p50 ms', 'p90 ms', 'p99 ms', 'longest ms'],
    rows.map(({ phase, kind, calls, p50, p90, p99, longest }) => [
      ...[phase, kind, String(calls)],
      ...[p50, p90, p99, longest].map((value) => value.toFixed(value < 10 ? 1 : 0)),
    ]),
  );
}

function countLines(title: string, counts: Readonly<Record<string, Readonly<Record<string, number>>>>): string[] {
  return Object.entries(counts)
    .filter(([, codes]) => Object.keys(codes).length > 0)
    .map(
      ([of, codes]) =>
        `${title}, ${of}: ${Object.entries(codes)
          .map(([code, n]) => `${n} ${code}`)
          .join(', ')}`,
    );
}

function approvalLines(taken: readonly number[]): string[] {
  if (taken.length === 0) return [];
  return [
    `from the approver's answer to the grant on the server: p50 ${ms(percentile(taken, 50))}, p99 ${ms(percentile(taken, 99))} (below zero: the server was first)`,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row.map((cell, n) => (isNumber(cell) ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0))).join('  '),
  );
}

const isNumber = (cell: string) => /^-?[\d.]+$/.test(cell);
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
