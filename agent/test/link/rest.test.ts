import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REST_MS, Rest } from '../../src/link/rest.ts';
import { HandClock } from './hand-clock.ts';

test('when nothing was done for a while, memory is given back once, and again only after more work', () => {
  const clock = new HandClock();
  let given = 0;
  const rest = new Rest(clock, () => {
    given += 1;
  });
  rest.worked();
  clock.pass(REST_MS - 1);
  rest.worked();
  assert.equal(clock.waiting, 1, 'one timer, however much is done');
  clock.pass(1);
  assert.equal(given, 0, 'it was at work a moment ago');
  clock.pass(REST_MS - 1);
  assert.equal(given, 1);
  clock.pass(10 * REST_MS);
  assert.equal(given, 1);
  assert.equal(clock.waiting, 0, 'who rests is not woken');
  rest.worked();
  clock.pass(REST_MS);
  assert.equal(given, 2);
  rest.worked();
  rest.end();
  clock.pass(REST_MS);
  assert.equal(given, 2);
});
