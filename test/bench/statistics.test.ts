/** The arithmetic of the benchmark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost, judge, type Measured } from './judge.ts';
import { readOptions } from './options.ts';
import { column, interleave } from './rounds.ts';
import { median, percentile, perSecond, ratios, spreadOf, timings } from './statistics.ts';

test('when the numbers are odd or even in count, the median is the middle one or the mean of the two', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test('when numbers stand in any order, percentiles go by the nearest rank and the spread by the ends', () => {
  const numbers = [50, 10, 40, 20, 30];
  assert.equal(percentile(numbers, 50), 30);
  assert.equal(percentile(numbers, 99), 50);
  assert.equal(percentile(numbers, 0), 10);
  assert.deepEqual(spreadOf(numbers), { median: 30, low: 10, high: 50 });
  assert.deepEqual(numbers, [50, 10, 40, 20, 30], 'the numbers are left as they are');
});

test('when the whole machine was slow in one round, the ratio of that round is what it was', () => {
  assert.deepEqual(ratios([10, 40, 12], [5, 20, 6]), [2, 2, 2]);
  assert.throws(() => ratios([1, 2], [1]), /2 rounds against 1/);
});

test('when something is timed, warm runs do not count and every run is seen', async () => {
  const seen: number[] = [];
  const taken = await timings(3, async (n) => seen.push(n), 2);
  assert.equal(taken.length, 3);
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
});

test('when work runs in lanes, each piece is done once and never more than so many at a time', async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  const rate = await perSecond(20, 4, async (n) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise(setImmediate);
    now -= 1;
    done.push(n);
  });
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    [...Array(20).keys()],
  );
  assert.equal(most, 4);
  assert.ok(rate > 0);
});

test('when contenders are interleaved, each is measured in each round and none always begins', async () => {
  const order: string[] = [];
  const reading = (name: string) => async (round: number) => {
    order.push(`${name}${round}`);
    return { value: round };
  };
  const measured = await interleave({ a: reading('a'), b: reading('b') });
  assert.deepEqual(order, ['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  assert.deepEqual(column(measured.a, 'value'), [0, 1, 2]);
  assert.throws(() => column(measured.a, 'other'), /no figure other/);
});

const measured: Measured = { goal: 'G8', what: 'x', unit: 'ms', rounds: [10, 12, 11], note: '' };

test('when a peer is measured, the ratio is judged, not the figure', () => {
  const row = judge({ ...measured, peer: { name: 'ssh', rounds: [10, 10, 10] }, bound: atMost(1.2) });
  assert.deepEqual(row.ratio, { median: 1.1, low: 1, high: 1.2 });
  assert.equal(row.verdict, 'met');
  assert.ok(Math.abs((row.againstGoal ?? 0) - 1.1 / 1.2) < 1e-9);
  assert.equal(judge({ ...measured, peer: { name: 'ssh', rounds: [9, 9, 9] }, bound: atMost(1.2) }).verdict, 'not met');
});

test('when more is better, half of what is asked is a distance of two', () => {
  const row = judge({ ...measured, rounds: [50, 50, 50], bound: atLeast(100) });
  assert.equal(row.againstGoal, 2);
  assert.equal(row.verdict, 'not met');
  assert.equal(row.ratio, null);
});

test('when nothing may be lost, nothing is just met and one is not met', () => {
  assert.equal(judge({ ...measured, rounds: [0, 0, 0], bound: atMost(0) }).verdict, 'met');
  assert.equal(judge({ ...measured, rounds: [1, 1, 0], bound: atMost(0) }).verdict, 'not met');
});

test('when a run is smaller than the goal asks, it can miss the goal but not meet it', () => {
  const few = { ...measured, smaller: true };
  assert.equal(judge({ ...few, bound: atMost(20) }).verdict, 'well at a smaller size');
  assert.equal(judge({ ...few, bound: atMost(10) }).verdict, 'not met');
});

test('when a peer took nothing that could be counted, the goal is not taken for met', () => {
  const row = judge({ ...measured, rounds: [0, 0, 0], peer: { name: 'monit', rounds: [0, 0, 0] }, bound: atMost(1) });
  assert.equal(row.verdict, 'not met');
});

test('when a peer is missing, nothing is judged and its package is named', () => {
  const row = judge({ ...measured, peer: { name: 'monit', missing: 'monit' }, bound: atMost(0.25) });
  assert.equal(row.verdict, 'peer missing');
  assert.equal(row.ratio, null);
  assert.equal(row.againstGoal, null);
  assert.deepEqual(row.peer, { name: 'monit', figures: null, missing: 'monit' });
});

test('when goals are named, those are measured in their order, and an unknown one is refused by name', () => {
  const options = readOptions(['g8', 'G1', '--quick', '--json', 'out.json'], '/tmp');
  assert.deepEqual(options.goals, ['G1', 'G8']);
  assert.equal(options.quick, true);
  assert.equal(options.json, '/tmp/out.json');
  assert.equal(readOptions([], '/tmp').goals.length, 12);
  assert.throws(() => readOptions(['G13'], '/tmp'), /no goal G13/);
  assert.throws(() => readOptions(['--fast'], '/tmp'));
});
