/**
 * Lives through seeds of the whole system: `whole-system-main.ts --from N --seeds N --seconds S`. A program of its own, for the
 * reason of `lifecycle-main.ts`. Prints one line of JSON; what failed is in it, with its seed.
 */
import { parseArgs } from 'node:util';
import { Killed } from './simulated-process.ts';
import { WholeSystem } from './whole-system.ts';
import { checkWholeSystem } from './whole-system-check.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '86400' },
  },
});
const FAILURES_MAX = 5;
const HOUR_MS = 3_600_000;

const sum = { seeds: 0, hours: 0, actions: 0, effects: 0, kills: 0 };
const killedAt = new Map<string, number>();
const failures: { seed: number; problem: string }[] = [];
let unhandled: unknown;
// Code that is dead throws where the world is gone for it; whoever else throws into the void is defective.
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => {
    if (!(error instanceof Killed)) unhandled ??= error;
  });

async function live(seed: number): Promise<void> {
  unhandled = undefined;
  using system = new WholeSystem(seed);
  try {
    await system.run();
    await checkWholeSystem(system);
    if (unhandled !== undefined) throw unhandled;
  } catch (error) {
    failures.push({ seed, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  sum.seeds += 1;
  sum.hours += system.time.now / HOUR_MS;
  sum.actions += await system.count();
  sum.effects += system.ledger.effects.length;
  sum.kills += system.killedAt.length;
  for (const point of system.killedAt) killedAt.set(point, (killedAt.get(point) ?? 0) + 1);
}

const began = performance.now();
const first = Number(values.from);
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  if (performance.now() - began > Number(values.seconds) * 1000 || failures.length >= FAILURES_MAX) break;
  await live(seed);
}
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${JSON.stringify({ from: first, ...sum, seconds, killedAt: Object.fromEntries(killedAt), failures })}\n`,
);
process.exit(failures.length > 0 ? 1 : 0);
