/**
 * Lives through random sequences: `converge-main.ts --sequences N --seed N [--seconds S]`. A program of its own, because the test
 * runner watches every promise of a test, and here there are millions. Prints one line of JSON.
 */
import { parseArgs } from 'node:util';
import { ana, ben, twoTaps } from '../actions/heart.ts';
import { converge } from './converging.ts';
import { telegramWorld } from './telegram-world.ts';

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '86400' },
  },
});
const first = Number(values.seed);
const end = first + Number(values.sequences);
const began = performance.now();
const seconds = () => (performance.now() - began) / 1000;

/** So many in one world: chats, and what the bot looks at, must not grow without end. */
const IN_ONE_WORLD = 50;

let next = first;
let failure: string | undefined;
while (next < end && failure === undefined && seconds() < Number(values.seconds)) await oneWorld();
process.stdout.write(`${JSON.stringify({ seed: next, sequences: next - first, seconds: seconds(), failure })}\n`);
process.exit(failure === undefined ? 0 : 1);

async function oneWorld(): Promise<void> {
  const ends: (() => unknown)[] = [];
  try {
    await using world = await telegramWorld(
      { after: (it) => void ends.push(it) },
      { policy: twoTaps, mayFail: true, memory: true },
    );
    const phones = [await world.link(ben), await world.link(ana)];
    for (const last = Math.min(end, next + IN_ONE_WORLD); next < last; next += 1) await converge(world, phones, next);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  for (const it of ends) await it();
}
