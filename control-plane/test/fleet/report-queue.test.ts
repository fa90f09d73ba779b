import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fault } from '@countersign/protocol';
import { fleetLimits } from '../../src/fleet/limits.ts';
import { nextTurn } from '../../src/fleet/next-turn.ts';
import { type Report, ReportQueue } from '../../src/fleet/report-queue.ts';
import { manualClock } from './manual-clock.ts';

const actionOf = (n: number) => `act_0000000000${`${n}`.padStart(2, '0')}`;
const started = (n: number): Report => ({ type: 'started', seq: n, actionId: actionOf(n), at: 1 });
const finished = (n: number): Report => ({
  ...{ type: 'finished', seq: n, actionId: actionOf(n) },
  result: {
    ...{ outcome: 'succeeded', summary: '', steps: [], check: null, startedAt: 1, finishedAt: 2 },
    ...{ undo: { state: 'not_needed', steps: [] }, journalHead: '0'.repeat(64) },
  },
});
const printed = (n: number, chunk: number): Report => ({
  ...{ type: 'output', actionId: actionOf(n), step: 'go' },
  ...{ chunk, text: 'x', dropped: 0 },
});

/** A queue on a clock that stands still, with what it acknowledged. */
function queueWith(deps: Pick<ConstructorParameters<typeof ReportQueue>[0], 'take' | 'afterRefusal'>) {
  const clock = manualClock();
  const acknowledged: number[] = [];
  const queue = new ReportQueue({
    ...{ ...deps, clock, limits: fleetLimits, wire: { pause: () => undefined, resume: () => undefined } },
    acknowledge: async (seq) => void acknowledged.push(seq),
    failed: (error) => assert.fail(String(error)),
  });
  return { queue, clock, acknowledged };
}

test('T13: when reports of many actions are refused together, each is waited for by itself, so that they fill the log no faster', async () => {
  let [waiting, most, waits] = [0, 0, 0];
  const { queue, acknowledged } = queueWith({
    take: async (report) => {
      throw fault('action_not_found', { action: 'actionId' in report ? report.actionId : '' });
    },
    afterRefusal: async () => {
      waits += 1;
      waiting += 1;
      most = Math.max(most, waiting);
      await nextTurn();
      waiting -= 1;
    },
  });
  for (let n = 1; n <= 20; n += 1) queue.add(started(n), 100);
  await queue.settled();
  assert.deepEqual([waits, most, acknowledged], [20, 1, [20]]);
});

test('when two actions print by turns, what each of them printed is stored together, and before what comes behind', async () => {
  const stored: string[] = [];
  const { queue, clock, acknowledged } = queueWith({
    take: async (report, further) => {
      const chunks = [report, ...further].map((it) => (it.type === 'output' ? it.chunk : it.type));
      stored.push(`${'actionId' in report ? report.actionId.at(-1) : ''}: ${chunks.join()}`);
    },
    afterRefusal: () => assert.fail('nothing is refused'),
  });
  for (let chunk = 0; chunk < 5; chunk += 1) for (const n of [1, 2]) queue.add(printed(n, chunk), 100);
  assert.deepEqual(stored, [], 'more may come');
  await clock.advance(50);
  assert.deepEqual(stored, ['1: 0,1,2,3,4']);
  for (const report of [printed(1, 5), started(3), printed(1, 6)]) queue.add(report, 100);
  await nextTurn();
  await clock.advance(50);
  await queue.settled();
  assert.deepEqual(stored, ['1: 0,1,2,3,4', '2: 0,1,2,3,4', '1: 5', '3: started', '1: 6']);
  assert.deepEqual(acknowledged, [3]);
});

test('when the end of an action came right behind its output, both are handed on at once, output first, and nothing else with them', async () => {
  const taken: string[] = [];
  const held: (() => void)[] = [];
  const { queue, clock, acknowledged } = queueWith({
    take: (report, further) => {
      taken.push([report, ...further].map((it) => (it.type === 'output' ? it.chunk : it.type)).join());
      return new Promise((resolve) => held.push(resolve));
    },
    afterRefusal: () => assert.fail('nothing is refused'),
  });
  for (const report of [printed(1, 0), printed(2, 0), printed(1, 1), finished(1), started(3)]) queue.add(report, 100);
  await clock.advance(0);
  assert.deepEqual(taken, ['0,1', 'finished']);
  for (const resolve of held.splice(0)) resolve();
  await clock.advance(0);
  assert.deepEqual(taken, ['0,1', 'finished', '0'], 'the output of another action has its own turn');
  for (let turns = 0; turns < 5; turns += 1) {
    for (const resolve of held.splice(0)) resolve();
    await clock.advance(0);
  }
  await queue.settled();
  assert.deepEqual([taken.at(-1), acknowledged.at(-1)], ['started', 3]);
});
