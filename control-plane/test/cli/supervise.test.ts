import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '@countersign/protocol';
import { supervise } from '../../src/supervise.ts';
import { until } from './processes.ts';

/** A clock whose timers fire when the test says so. */
function steppedClock() {
  const waiting: { ms: number; then: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    after(ms, then) {
      const timer = { ms, then };
      waiting.push(timer);
      return () => void (waiting.includes(timer) && waiting.splice(waiting.indexOf(timer), 1));
    },
  };
  return { clock, waiting };
}

function start(context: TestContext, script: string) {
  const { clock, waiting } = steppedClock();
  const lines: string[] = [];
  const ends: unknown[] = [];
  const log = { info: () => undefined, warn: (...said: unknown[]) => void ends.push(said), error: () => undefined };
  const child = supervise(
    { name: 'child', argv: [process.execPath, '-e', script], env: {}, onLine: (line) => void lines.push(line) },
    { clock, log },
  );
  context.after(() => child[Symbol.asyncDispose]());
  return { child, lines, ends, waiting };
}

test('when a child keeps ending, it is started again after pauses that grow up to a minute', async (context) => {
  const { lines, waiting } = start(context, 'console.log("run"); process.exit(3)');
  const pauses = [];
  for (let run = 1; run <= 8; run += 1) {
    await until(
      () => lines.length === run && waiting.length === 1,
      () => `run ${run}: ${lines.length} ${waiting.length}`,
    );
    const next = waiting.shift();
    pauses.push(next?.ms);
    next?.then();
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test('when it is disposed of, the child is told to end and is not started again', async (context) => {
  const script =
    'process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000)';
  const { child, lines, waiting } = start(context, script);
  await until(
    () => lines.includes('up'),
    () => lines.join(),
  );
  await child[Symbol.asyncDispose]();
  await until(
    () => lines.includes('bye'),
    () => lines.join(),
  );
  assert.deepEqual(
    waiting.filter(({ ms }) => ms !== 10_000),
    [],
  );
});

test('when the child does not listen to SIGTERM, it is killed', async (context) => {
  const { child, lines, waiting } = start(
    context,
    'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)',
  );
  await until(
    () => lines.includes('up'),
    () => lines.join(),
  );
  const gone = child[Symbol.asyncDispose]();
  await until(
    () => waiting.length === 1,
    () => 'no timer',
  );
  waiting[0]?.then();
  await gone;
});
