/** The agent's link: memory, start, connection. Beside a bare Node of the same version, since most of it is Node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { bundleAgent } from '../../agent/install/bundle.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import { node } from '../world/places.ts';
import type { World } from '../world/world.ts';
import { type Figure, memoryOf, ms, percentile, timings } from './figures.ts';

const IDLE_MS = 5000;

export async function agentFigures(world: World): Promise<Figure[]> {
  const program = await bundleAgent();
  await using agent = await startLocalAgent(world, 'bench-link', { policy: 'mode: observe\n', program });
  const connects = [agent.connectedAfterMs];
  for (let n = 0; n < 4; n += 1) {
    await agent.stop();
    const began = performance.now();
    await agent.start();
    connects.push(performance.now() - began);
  }
  await pause(IDLE_MS);
  const link = memoryOf(agent.pid);
  const bare = await bareNode();
  const bareStarts = await timings(10, async () => once(spawn(node, ['-e', '0'], { stdio: 'ignore' }), 'exit'), 1);
  return [
    {
      what: 'link, idle: resident memory',
      value: `${link.rss.toFixed(0)} MB (${link.anonymous.toFixed(0)} MB anonymous)`,
      note: `bare Node ${bare.rss.toFixed(0)} MB (${bare.anonymous.toFixed(0)}): ${(link.rss / bare.rss).toFixed(2)} ×`,
    },
    {
      what: 'link, start to connected',
      value: ms(percentile(connects, 50)),
      note: `median of ${connects.length}; bare Node starts in ${ms(percentile(bareStarts, 50))}`,
    },
  ];
}

async function bareNode() {
  const child = spawn(node, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
  await pause(1000);
  const used = memoryOf(child.pid ?? 0);
  child.kill();
  await once(child, 'exit');
  return used;
}
