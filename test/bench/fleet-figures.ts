/** What an idle connection costs the control plane: 1,000 simulated agents that speak the real wire. */
import { setTimeout as pause } from 'node:timers/promises';
import { type SimulatedAgent, simulatedAgent } from '../load/simulated-agent.ts';
import type { World } from '../world/world.ts';
import { type Figure, memoryOf } from './figures.ts';

const AGENTS = 1000;
const AT_ONCE = 20;
const SETTLE_MS = 5000;

export async function fleetFigures(world: World): Promise<Figure[]> {
  const before = memoryOf(world.pid);
  const agents: SimulatedAgent[] = [];
  const began = performance.now();
  try {
    for (let n = 0; n < AGENTS; n += AT_ONCE) {
      agents.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, m) => connectOne(world, n + m)))));
    }
    const took = performance.now() - began;
    await pause(SETTLE_MS);
    const after = memoryOf(world.pid);
    return [
      {
        what: 'control plane, memory per idle agent',
        value: `${(((after.rss - before.rss) * 1024) / AGENTS).toFixed(0)} KB`,
        note: `${AGENTS} simulated agents; resident ${before.rss.toFixed(0)} → ${after.rss.toFixed(0)} MB, garbage included`,
      },
      {
        what: 'enrolments per second',
        value: (AGENTS / (took / 1000)).toFixed(0),
        note: 'server added, key bound, both sides proven, audited',
      },
    ];
  } finally {
    for (const agent of agents) await agent.close();
  }
}

async function connectOne(world: World, n: number): Promise<SimulatedAgent> {
  const { enrolment_token: token } = await world.owner('addServer', { name: `idle-${n}` });
  const agent = simulatedAgent({ url: world.url, token });
  await agent.connect();
  return agent;
}
