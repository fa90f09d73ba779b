/** G1: what an idle link takes of memory, and whether it gives back what work took. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench, Goal } from '../goal.ts';
import { atMost, judge, type Peer, type Row } from '../judge.ts';
import { startBareNode } from '../peers/bare-node.ts';
import { settled, startPuppet } from '../peers/daemons.ts';
import { memoryOf } from '../process-figures.ts';
import { column, interleave, type Readings, ROUNDS } from '../rounds.ts';
import { runThrough, type Scene, startScene } from '../scene.ts';

const MB = 1_000_000;
const BACK_WITHIN_MS = 60_000;
const BACK = 1.6;

export const g1: Goal = {
  id: 'G1',
  asks: 'An idle link takes at most 1.35 × the resident memory of a bare Node and at most 0.3 × the anonymous memory of puppet’s agent; a minute after 100 jobs of 1 MB it is under 1.6 × a bare Node again.',
  measure: async (bench) => [...(await idle(bench)), await afterWork(bench)],
};

async function idle(bench: Bench): Promise<Row[]> {
  const settleMs = bench.count(10_000, 3000);
  const bare = async (): Promise<Readings> => {
    await using child = startBareNode();
    await pause(bench.count(2000, 1000));
    return memoryOf(child.pid);
  };
  const link = async (): Promise<Readings> => {
    await using scene = await startScene();
    await pause(settleMs);
    return memoryOf(scene.agent.pid);
  };
  const puppet = async (): Promise<Readings> => {
    const daemon = await startPuppet();
    if ('missing' in daemon) return { anonymous: Number.NaN };
    await using child = daemon;
    await settled(child);
    return memoryOf(child.pid);
  };
  const probe = await startPuppet();
  if (!('missing' in probe)) await probe[Symbol.asyncDispose]();
  const measured = await interleave({ link, bare, ...('missing' in probe ? {} : { puppet }) });
  const peer: Peer =
    'missing' in probe
      ? { name: 'puppet agent', missing: probe.missing }
      : { name: 'puppet agent', rounds: column(measured.puppet ?? [], 'anonymous') };
  return [
    judge({
      goal: 'G1',
      what: 'link, idle: resident memory',
      unit: 'MB',
      rounds: column(measured.link, 'rss'),
      peer: { name: 'bare Node', rounds: column(measured.bare, 'rss') },
      bound: atMost(1.35),
      note: `bundle as installed, ${settleMs / 1000} s after it connected; most of it is the Node binary`,
    }),
    judge({
      goal: 'G1',
      what: 'link, idle: anonymous memory',
      unit: 'MB',
      rounds: column(measured.link, 'anonymous'),
      peer,
      bound: atMost(0.3),
      note: 'puppet waits for its certificate, with everything loaded',
    }),
  ];
}

async function afterWork(bench: Bench): Promise<Row> {
  const jobs = bench.count(100, 10);
  const within = bench.count(BACK_WITHIN_MS, 15_000);
  const rounds: number[] = [];
  const bareRounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await using bare = startBareNode();
    await using scene = await startScene();
    await pause(1000);
    const base = memoryOf(bare.pid).rss;
    await printMuch(scene, jobs);
    rounds.push(await lowestWithin(scene.agent.pid, within, BACK * base));
    bareRounds.push(base);
  }
  return judge({
    goal: 'G1',
    what: 'link, after the jobs: resident memory',
    unit: 'MB',
    rounds,
    peer: { name: 'bare Node', rounds: bareRounds },
    bound: atMost(BACK),
    smaller: bench.quick,
    note: `${jobs} jobs that print 1 MB, one after the other; the lowest within ${within / 1000} s after the last`,
  });
}

async function printMuch({ agent, assistant }: Scene, jobs: number): Promise<void> {
  const file = join(agent.stateDir, 'much.txt');
  await writeFile(file, `${'x'.repeat(99)}\n`.repeat(MB / 100));
  for (let n = 0; n < jobs; n += 1) await runThrough(assistant, agent.name, ['cat', file]);
}

async function lowestWithin(pid: number, ms: number, enough: number): Promise<number> {
  const until = performance.now() + ms;
  let lowest = Number.POSITIVE_INFINITY;
  while (performance.now() < until && lowest > enough) {
    await pause(1000);
    lowest = Math.min(lowest, memoryOf(pid).rss);
  }
  return lowest;
}
