/** G3: how soon the link is connected, and how soon a control plane with a long history answers. */

import { eventually } from '../../world/eventually.ts';
import { type LocalAgent, startLocalAgent } from '../../world/local-agent.ts';
import { fillStore } from '../full-store.ts';
import type { Bench, Goal } from '../goal.ts';
import { counted } from '../goal.ts';
import { installedAgent } from '../installed-agent.ts';
import { atMost, judge, type Row } from '../judge.ts';
import { bareNodeMs } from '../peers/bare-node.ts';
import { childrenOf, isThere } from '../process-figures.ts';
import { column, interleave, ROUNDS } from '../rounds.ts';
import { runThrough, serverPolicy, startScene } from '../scene.ts';
import { percentile } from '../statistics.ts';

export const g3: Goal = {
  id: 'G3',
  asks: 'The link is connected within 2.5 × the time in which a bare Node starts and ends; the control plane answers /healthz within 1.5 s with 100,000 actions in its store.',
  measure: async (bench) => [...(await link(bench)), await controlPlane(bench)],
};

async function link(bench: Bench): Promise<Row[]> {
  const times = bench.count(5, 2);
  await using scene = await startScene();
  const program = await installedAgent();
  await using agent = await startLocalAgent(scene.world, 'starts', { policy: serverPolicy, program });
  // As after every boot: the server was enrolled and its runner asked once before, and nothing else of ours is starting beside it.
  const connect = async () => {
    await stopAtRest(agent);
    return agent.start();
  };
  await connect();
  const measured = await interleave({
    link: async () => ({ ms: percentile(await repeat(times, connect), 50) }),
    bare: async () => ({ ms: percentile(await repeat(times * 2, bareNodeMs), 50) }),
  });
  const peer = { name: 'bare Node, start to end', rounds: column(measured.bare, 'ms') };
  const seen = "connected is what the link's status file says, looked at when it changes";
  return [
    judge({
      ...{ goal: 'G3', what: 'link, start to connected', unit: 'ms', peer },
      rounds: column(measured.link, 'ms'),
      bound: atMost(2.5),
      note: `median of ${times} starts in each round, by the launcher of the package, of a server that was linked before; ${seen}`,
    }),
    judge({
      ...{ goal: 'G3', what: 'link, the very first start to connected', unit: 'ms' },
      rounds: [agent.connectedAfterMs],
      note: 'once: nobody knows yet what the runner says of itself, so that a second Node has to start first',
    }),
  ];
}

/** Stops it when the runner that it woke, a second Node, is there, and waits until that has gone too. */
async function stopAtRest(agent: LocalAgent): Promise<void> {
  const times = (event: string) => agent.log().split(`"${event}"`).length;
  await eventually('the runner to be there', () => times('runner.ready') >= times('link.connected'), { everyMs: 10 });
  const runners = childrenOf(agent.pid);
  await agent.stop();
  await eventually('the runner to go', () => !runners.some(isThere), { everyMs: 10 });
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
