import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { FEW, MANY, REST_MS, Rest } from '../../src/fleet/rest.ts';
import { giveMemoryBack } from '../../src/give-memory-back.ts';
import { manualClock } from './manual-clock.ts';

function resting() {
  const clock = manualClock();
  const given: number[] = [];
  const rest = new Rest(clock, () => given.push(clock.monotonic()));
  const come = (agents: number) => {
    for (let n = 0; n < agents; n += 1) n % 2 === 0 ? rest.connected() : rest.disconnected();
  };
  return { clock, given, rest, come };
}

test('when the control plane has started and nobody comes, memory is given back once', async () => {
  const { clock, given } = resting();
  await clock.advance(REST_MS - 1);
  assert.deepEqual(given, []);
  await clock.advance(10 * REST_MS);
  assert.deepEqual(given, [REST_MS]);
});

test('when few come because we get little of the processor, but many wait, memory is not given back', async () => {
  const clock = manualClock();
  const given: number[] = [];
  let isBusy = true;
  using rest = new Rest(
    clock,
    () => given.push(clock.monotonic()),
    () => isBusy,
  );
  rest.connected();
  await clock.advance(3 * REST_MS);
  assert.deepEqual(given, []);
  isBusy = false;
  await clock.advance(REST_MS);
  assert.deepEqual(given, [4 * REST_MS]);
});

test('when many agents have come or gone, memory is given back once few come any more', async () => {
  const { clock, given, rest, come } = resting();
  await clock.advance(REST_MS);
  come(MANY - 1);
  await clock.advance(10 * REST_MS);
  assert.equal(given.length, 1, 'a few are not worth it');
  come(1);
  await clock.advance(REST_MS - 1);
  come(FEW + 1);
  await clock.advance(1);
  assert.equal(given.length, 1, 'they still come');
  come(FEW);
  await clock.advance(REST_MS);
  assert.equal(given.length, 2);
  await clock.advance(10 * REST_MS);
  assert.equal(given.length, 2);
  come(MANY);
  rest[Symbol.dispose]();
  await clock.advance(10 * REST_MS);
  assert.equal(given.length, 2, 'not after its end');
});

test('T13: when thousands are connected and one of them comes and goes, nobody is stopped for what that leaves', async () => {
  const { clock, given, rest, come } = resting();
  for (let n = 0; n < 20_000; n += 1) rest.connected();
  await clock.advance(2 * REST_MS);
  assert.equal(given.length, 1);
  for (let times = 0; times < 19; times += 1) {
    come(MANY);
    await clock.advance(2 * REST_MS);
  }
  assert.equal(given.length, 1, 'not a tenth of them yet');
  come(MANY);
  await clock.advance(2 * REST_MS);
  assert.equal(given.length, 2);
});

test('when memory is given back, garbage is gone from the resident memory, without a flag for Node', () => {
  let garbage: unknown[] = Array.from({ length: 400_000 }, (_, n) => ({ n, text: `${n} is garbage` }));
  assert.equal(garbage.length, 400_000);
  const before = process.memoryUsage();
  garbage = [];
  const logged: unknown[] = [];
  const note = (...line: unknown[]) => void logged.push(line);
  giveMemoryBack({ clock: systemClock, log: { info: note, warn: note, error: note } });
  const after = process.memoryUsage();
  assert.ok(before.heapUsed - after.heapUsed > 15e6, `${before.heapUsed} before, ${after.heapUsed} after`);
  assert.match(JSON.stringify(logged), /memory\.given_back.*resident_mb_before/);
  assert.ok(before.heapTotal - after.heapTotal > 10e6, `${before.heapTotal} before, ${after.heapTotal} after`);
});
