import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionLimits } from '../../src/actions/action-deps.ts';
import { coolDownUntil } from '../../src/actions/cool-down.ts';
import { overviewOperations } from '../../src/operations/overview-operations.ts';
import { write } from '../../src/storage/write.ts';
import { anaAtDashboard, assistant, type Heart, hasCode, heart } from './heart.ts';

const MINUTE = 60_000;

async function rejected(h: Heart, unit: string): Promise<void> {
  const { actionId } = await h.ask({ unit });
  await h.answer(actionId, { verdict: 'reject', reason: 'no' });
  assert.equal(await h.stateOf(actionId), 'rejected');
}

const noticesIn = async (h: Heart) => {
  const overview = overviewOperations({ ...h.deps, fleet: { isOnline: () => true, onlineIds: [] } });
  const { notices } = await overview.getOverview(anaAtDashboard, {}, { signal: new AbortController().signal } as never);
  return notices.map(({ text }) => text).filter((text) => /rejected/.test(text));
};

test('T21: when three requests of a token were rejected within ten minutes, it may ask for no change for ten minutes', async (t) => {
  const h = await heart(t);
  const open = await h.ask({ unit: 'still-open' });
  for (const unit of ['one', 'two']) {
    await rejected(h, unit);
    await h.clock.pass(4 * MINUTE);
  }
  assert.deepEqual(await noticesIn(h), []);
  await rejected(h, 'three');
  await assert.rejects(h.ask({ unit: 'four' }), (error) => {
    hasCode('too_many_rejections')(error);
    const { body } = error as { body: { retryable: boolean; next_step: string } };
    assert.equal(body.retryable, true);
    assert.match(body.next_step, /600 s/);
    return true;
  });
  const refusal = await h.lastDetails('request.refused');
  assert.equal(refusal?.details.error, 'too_many_rejections');
  assert.match((await noticesIn(h))[0] ?? '', /laptop/);
  assert.deepEqual(await h.ask({ unit: 'still-open' }), { ...open, repeated: true });

  const other = { ...assistant, token: { id: 'tok_0000000000bb', name: 'other', scope: 'request' as const } };
  await write(h.db, async (trx) => {
    const first = await trx.selectFrom('token').selectAll().executeTakeFirstOrThrow();
    await trx
      .insertInto('token')
      .values({ ...first, ...other.token, secret_hash: 'other' })
      .execute();
  });
  await h.ask({ unit: 'five', caller: other });
  await h.ask({ unit: 'six', caller: anaAtDashboard });
  await h.clock.pass(10 * MINUTE - 1);
  await assert.rejects(h.ask({ unit: 'four' }), hasCode('too_many_rejections'));
  await h.clock.pass(1);
  assert.deepEqual(await noticesIn(h), []);
  await h.ask({ unit: 'four' });
});

test('T21: when rejections lie further apart, the token may go on asking', () => {
  const at = (...minutes: number[]) => minutes.map((minute) => minute * MINUTE);
  const until = (rejections: number[], now: number) => coolDownUntil(rejections, actionLimits, now * MINUTE);
  assert.equal(until([], 0), null);
  assert.equal(until(at(9, 5), 9), null);
  assert.equal(until(at(11, 5, 0.9), 11), null);
  assert.equal(until(at(11, 5, 1), 12), 21 * MINUTE);
  assert.equal(until(at(11, 5, 1), 21), null);
});
