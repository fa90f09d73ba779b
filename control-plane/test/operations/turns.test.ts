import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTurns } from '../../src/operations/turns.ts';

const never = new AbortController().signal;
/** Work that ends when it is told to, and says in `began` that it has begun. */
function held(began: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const work = () => {
    began.push(name);
    return promise;
  };
  return { work, end: () => resolve(name), fail: () => reject(new Error(name)) };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('T13: when one credential calls more at once than it may, its calls wait in their order and another’s begin at once', async () => {
  const takeTurn = makeTurns({ atOnce: 2, waiting: 10 });
  const began: string[] = [];
  const works = ['a', 'b', 'c', 'd'].map((name) => held(began, name));
  const calls = works.map(({ work }) => takeTurn('flood', never, work));
  const other = held(began, 'other');
  const call = takeTurn('quiet', never, other.work);
  await settled();
  assert.deepEqual(began, ['a', 'b', 'other']);
  works[1]?.fail();
  await assert.rejects(calls[1] ?? assert.fail(), /b/);
  assert.deepEqual(began, ['a', 'b', 'other', 'c'], 'a call that failed hands its turn on');
  for (const { end } of [...works, other]) end();
  assert.deepEqual(await Promise.all([calls[0], calls[2], calls[3], call]), ['a', 'c', 'd', 'other']);
});

test('when too many calls of one credential wait, the next is told when to come again', async () => {
  const takeTurn = makeTurns({ atOnce: 1, waiting: 1 });
  const began: string[] = [];
  const [first, second] = [held(began, 'first'), held(began, 'second')];
  const calls = [takeTurn('flood', never, first.work), takeTurn('flood', never, second.work)];
  await assert.rejects(takeTurn('flood', never, held(began, 'third').work), { code: 'rate_limited' });
  first.end();
  second.end();
  assert.deepEqual(await Promise.all(calls), ['first', 'second']);
});

test('when a caller goes while it waits, its call never begins and the one behind it does', async () => {
  const takeTurn = makeTurns({ atOnce: 1, waiting: 5 });
  const began: string[] = [];
  const gone = new AbortController();
  const works = ['first', 'gone', 'last'].map((name) => held(began, name));
  const calls = works.map(({ work }, n) => takeTurn('one', n === 1 ? gone.signal : never, work));
  gone.abort(new Error('hung up'));
  await assert.rejects(calls[1] ?? assert.fail(), /hung up/);
  for (const { end } of works) end();
  await Promise.all([calls[0], calls[2]]);
  assert.deepEqual(began, ['first', 'last']);
});

test('when a call hands its turn on while it still waits, the next one begins, and its end hands on nothing more', async () => {
  const takeTurn = makeTurns({ atOnce: 1, waiting: 5 });
  const began: string[] = [];
  const [waits, second, third] = [held(began, 'waits'), held(began, 'second'), held(began, 'third')];
  let handOn: () => void = () => assert.fail('it has not begun');
  const first = takeTurn('one', never, (given) => {
    handOn = given;
    return waits.work();
  });
  const others = [takeTurn('one', never, second.work), takeTurn('one', never, third.work)];
  await settled();
  assert.deepEqual(began, ['waits']);
  handOn();
  handOn();
  await settled();
  assert.deepEqual(began, ['waits', 'second'], 'one turn is one turn, however often it is handed on');
  waits.end();
  await first;
  await settled();
  assert.deepEqual(began, ['waits', 'second']);
  second.end();
  await others[0];
  third.end();
  await others[1];
  assert.deepEqual(began, ['waits', 'second', 'third']);
});
