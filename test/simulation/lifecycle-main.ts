/**
 * Tells stories to the lifecycle: `lifecycle-main.ts real|rules --runs N --seconds S [--seed N --path P]`. A program of its own, because
 * the test runner watches every promise of a test, and here there are hundreds of millions. Prints one line of JSON.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { Interleaving } from './interleaving.ts';
import type { Bench } from './lifecycle-parts.ts';
import { RealBench } from './real-bench.ts';
import { RulesBench } from './rules-bench.ts';
import { Killed } from './simulated-process.ts';
import { story } from './story.ts';
import { rest } from './virtual-time.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    seconds: { type: 'string', default: '86400' },
    seed: { type: 'string' },
    path: { type: 'string' },
  },
});
const seed = values.seed === undefined ? undefined : Number(values.seed);

const open = async () => (positionals[0] === 'rules' ? new RulesBench() : RealBench.open());

let bench: Bench = await open();
let told = 0;
let unhandled: unknown;
// Code that is dead throws where the world is gone for it; whoever else throws into the void is defective.
for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => {
    if (!(error instanceof Killed)) unhandled ??= error;
  });
const scheduler = fc.scheduler({
  act: async (turn) => {
    await turn();
    await rest();
  },
});
const property = fc.asyncProperty(scheduler, story, async (order, it) => {
  if (bench.used) {
    bench[Symbol.dispose]();
    bench = await open();
  }
  told += 1;
  unhandled = undefined;
  await new Interleaving(order, it, bench).run();
  if (unhandled !== undefined) throw unhandled;
});
const began = performance.now();
const details = await fc.check(property, {
  numRuns: Number(values.runs ?? 1000),
  interruptAfterTimeLimit: Number(values.seconds) * 1000,
  ...(seed === undefined ? {} : { seed }),
  ...(values.path === undefined ? {} : { path: values.path }),
});
const { errorInstance: why } = details;
const failure = details.failed
  ? `${why instanceof Error ? why.stack : String(why)}\n${fc.defaultReportMessage(details)}`
  : undefined;
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${JSON.stringify({ seed: details.seed, path: details.counterexamplePath, told, seconds, failure })}\n`,
);
process.exit(details.failed && failure !== undefined ? 1 : 0);
