import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledgement } from '../../src/fleet/acknowledgement.ts';
import { manualClock } from './manual-clock.ts';

test('when reports are stored one shortly after the other, the agent is told once, of the last', async () => {
  const clock = manualClock();
  const told: number[] = [];
  const acknowledgement = new Acknowledgement(clock, (seq) => told.push(seq));
  for (const seq of [1, 2, 3]) acknowledgement.upTo(seq);
  assert.deepEqual(told, []);
  await clock.advance(1000);
  assert.deepEqual(told, [3]);
  acknowledgement.upTo(4);
  await clock.advance(1000);
  assert.deepEqual(told, [3, 4]);
});

test('when the connection is gone, nothing is sent on it any more', async () => {
  const clock = manualClock();
  const told: number[] = [];
  const acknowledgement = new Acknowledgement(clock, (seq) => told.push(seq));
  acknowledgement.upTo(1);
  acknowledgement.end();
  acknowledgement.upTo(2);
  await clock.advance(1000);
  assert.deepEqual(told, []);
});
