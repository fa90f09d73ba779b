import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionEvents, actionStates, eventsFor, isFinal, nextState, transitions } from '../src/action-lifecycle.ts';

test('when an event is not in the table for a state, it leads nowhere', () => {
  const legal = new Set(transitions.map(({ from, event }) => `${from} ${event}`));
  for (const from of actionStates)
    for (const event of actionEvents)
      assert.equal(nextState(from, event) !== undefined, legal.has(`${from} ${event}`), `${from} ${event}`);
});

test('when the table is read, each event of a state leads to one state, and stands there once per cause', () => {
  const causes = transitions.map(({ from, event, by }) => `${from} ${event} ${by}`);
  assert.equal(new Set(causes).size, causes.length);
  for (const { from, event, to } of transitions) assert.equal(nextState(from, event), to, `${from} ${event}`);
});

test('when an action was not sent yet, who asked and who may decide can both withdraw it', () => {
  for (const by of ['requester', 'person'] as const)
    assert.deepEqual(
      actionStates.filter((state) => eventsFor(state, by).includes('withdraw')),
      ['awaiting_approval', 'approved'],
    );
});

test('when an action is decided, run or over, nobody can approve it', () => {
  for (const state of actionStates)
    assert.equal(eventsFor(state, 'person').includes('approve'), state === 'awaiting_approval', state);
});

test('when an action is in a final state, no event is left, and every other state leads to a final one', () => {
  const final = actionStates.filter(isFinal);
  assert.deepEqual(final.toSorted(), [
    'denied',
    'expired',
    'failed',
    'refused',
    'rejected',
    'stopped',
    'succeeded',
    'withdrawn',
  ]);
  const reachesEnd = (state: (typeof actionStates)[number], seen: string[] = []): boolean =>
    isFinal(state) ||
    transitions.some(({ from, to }) => from === state && !seen.includes(to) && reachesEnd(to, [...seen, state]));
  for (const state of actionStates) assert.ok(reachesEnd(state), state);
});

test('when something runs, it was approved and dispatched before', () => {
  assert.deepEqual(
    transitions.filter(({ to }) => to === 'running').map(({ from }) => from),
    ['dispatched'],
  );
  assert.deepEqual(
    transitions.filter(({ to }) => to === 'dispatched').map(({ from }) => from),
    ['approved'],
  );
});
