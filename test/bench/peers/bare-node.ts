/** Node with nothing in it: what a Node program cannot go below. */
import { once } from 'node:events';
import { node } from '../../world/places.ts';
import { startChild } from './own-child.ts';

/** A Node that sleeps. */
export const startBareNode = () => startChild(node, ['-e', 'setInterval(() => 0, 1000)']);

/** Milliseconds from the start of a Node to its end, with nothing to do. */
export async function bareNodeMs(): Promise<number> {
  const began = performance.now();
  const { process } = startChild(node, ['-e', '0'], { stdio: 'ignore' });
  await once(process, 'exit');
  return performance.now() - began;
}
