import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@countersign/protocol';
import { REST_MS, Rest } from '../../src/link/rest.ts';

/** A clock that goes on when it is told. */
class HandClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly then: () => void }[] = [];

  now = () => this.#now;
  monotonic = () => this.#now;

  after(ms: number, then: () => void) {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  get waiting(): number {
    return this.#timers.length;
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { then } of due) then();
  }
}

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
