/** G3: how soon the link is connected, and how soon a control plane with a long history answers. */

import { bundlePath } from '../../../agent/install/bundle.ts';
import { startLocalAgent } from '../../world/local-agent.ts';
import { fillStore } from '../full-store.ts';
import type { Bench, Goal } from '../goal.ts';
import { counted } from '../goal.ts';
import { atMost, judge, type Row } from '../judge.ts';
import { bareNodeMs } from '../peers/bare-node.ts';
import { column, interleave, ROUNDS } from '../rounds.ts';
import { runThrough, serverPolicy, startScene } from '../scene.ts';
import { percentile } from '../statistics.ts';

export const g3: Goal = {
  id: 'G3',
  asks: 'The link is connected within 2.5 × the time in which a bare Node starts and ends; the control plane answers /healthz within 1.5 s with 100,000 actions in its store.',
  measure: async (bench) => [await link(bench), await controlPlane(bench)],
};

async function link(bench: Bench): Promise<Row> {
  const times = bench.count(5, 2);
  await using scene = await startScene();
  let n = 0;
  const connect = async () => {
    n += 1;
    await using agent = await startLocalAgent(scene.world, `start-${n}`, { policy: serverPolicy, program: bundlePath });
    return agent.connectedAfterMs;
  };
  const measured = await interleave({
    link: async () => ({ ms: percentile(await repeat(times, connect), 50) }),
    bare: async () => ({ ms: percentile(await repeat(times * 2, bareNodeMs), 50) }),
  });
  return judge({
    goal: 'G3',
    what: 'link, start to connected',
    unit: 'ms',
    rounds: column(measured.link, 'ms'),
    peer: { name: 'bare Node, start to end', rounds: column(measured.bare, 'ms') },
    bound: atMost(2.5),
    note: `median of ${times} starts in each round; connected is what the link's status file says, looked at every 5 ms`,
  });
}

async function repeat(times: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let n = 0; n < times; n += 1) values.push(await work());
  return values;
}

async function controlPlane(bench: Bench): Promise<Row> {
  const actions = bench.count(100_000, 10_000);
  const sizes = { servers: bench.count(2000, 200), actions, entries: actions };
  await using scene = await startScene();
  await runThrough(scene.assistant, scene.agent.name, ['true']);
  await scene.agent.stop();
  await scene.world.halt('SIGTERM');
  bench.say(`filling a store with ${counted(actions)} actions`);
  fillStore(scene.world.dataDir, sizes);
  // An empty name arms no fail point; with one, the world looks every 15 ms whether it answers.
  const started = await repeat(ROUNDS, async () => {
    const began = performance.now();
    await scene.world.revive('');
    const took = performance.now() - began;
    await scene.world.halt('SIGTERM');
    return took;
  });
  return judge({
    goal: 'G3',
    what: 'control plane, start to /healthz',
    unit: 's',
    rounds: started.map((ms) => ms / 1000),
    bound: atMost(1.5),
    smaller: bench.quick,
    note: `${counted(sizes.servers)} servers, ${counted(actions)} actions, ${counted(sizes.entries)} audit entries in the store`,
  });
}
