import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { loseDue } from '../../src/actions/lose-due.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { startActions } from '../../src/actions/start-actions.ts';
import { write } from '../../src/storage/write.ts';
import { type Heart, heart, resultOf, web1 } from './heart.ts';

/** Lets the sweeps of this moment run to their end, at most a minute of real time. */
async function settle(h: Heart, until: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    if (await until()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`it did not come to rest: ${JSON.stringify(h.problems)}`);
}

test('when nobody decides within 15 minutes, the action expires, and the log says that the clock did it', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.clock.pass(15 * 60_000 - 1);
  await expireDue(h.deps);
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
  await h.clock.pass(1);
  await expireDue(h.deps);
  assert.equal(await h.stateOf(actionId), 'expired');
  assert.equal((await h.lastDetails('action.expired'))?.who.by, 'clock');
  assert.match(
    (await actionDetail(h.deps, actionId)).status,
    /^Nobody decided before .*Nothing was done\. Ask for it again/,
  );
});

test('when an approved action cannot start within two minutes, it expires', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await h.clock.pass(2 * 60_000);
  await expireDue(h.deps);
  assert.match((await actionDetail(h.deps, actionId)).status, /^It could not start before 2026-/);
});

test('F8: when eight people approve in the very moment of expiry, there is one end', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.clock.pass(15 * 60_000 - 1);
  await Promise.allSettled([h.answer(actionId), h.clock.pass(1).then(() => expireDue(h.deps)), h.answer(actionId)]);
  const ends = (await h.events(actionId)).filter((event) => event === 'action.approved' || event === 'action.expired');
  assert.equal(ends.length, 1);
});

test('when there is no news from an offline server for two minutes, the outcome is unknown; while it is online, not', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await using _ = startActions(h.deps);
  await h.clock.pass(1000);
  await settle(h, async () => (await h.stateOf(actionId)) === 'dispatched');
  await recordStarted(h.deps, web1, { actionId, at: 1 });
  await h.clock.pass(119_000);
  assert.equal(await h.stateOf(actionId), 'running');
  h.fleet.online.clear();
  const seen = h.clock.now();
  await write(h.db, (trx) => trx.updateTable('server').set({ last_seen_at: seen }).where('id', '=', web1).execute());
  await h.clock.pass(119_000);
  assert.equal(await h.stateOf(actionId), 'running');
  await h.clock.pass(2_000);
  await settle(h, async () => (await h.stateOf(actionId)) === 'unknown');
});

test('when the control plane was away itself, silence before its start counts for nothing', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await write(h.db, (trx) =>
    trx.updateTable('action').set({ state: 'running', dispatched_at: 1 }).where('id', '=', actionId).execute(),
  );
  h.fleet.online.clear();
  await h.clock.pass(3_600_000);
  await loseDue(h.deps, { watchingSince: h.clock.now() - 1000 });
  assert.equal(await h.stateOf(actionId), 'running');
});

test('when an online server says nothing for longer than its plan can take, the outcome is unknown', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  const at = h.clock.now();
  await write(h.db, (trx) =>
    trx.updateTable('action').set({ state: 'running', dispatched_at: at }).where('id', '=', actionId).execute(),
  );
  await h.clock.pass(6 * 60_000);
  await loseDue(h.deps, { watchingSince: 0 });
  assert.equal(await h.stateOf(actionId), 'running');
  await h.clock.pass(6 * 60_000);
  await loseDue(h.deps, { watchingSince: 0 });
  assert.equal(await h.stateOf(actionId), 'unknown');
});

test('F1: when the control plane stops between approval and dispatch, the next one sends it once', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId); // nobody follows: as if the process had ended right after the commit
  await using _ = startActions(h.deps);
  await h.clock.pass(1000);
  await settle(h, async () => h.fleet.grants.length > 0);
  await h.clock.pass(3000);
  assert.deepEqual(
    h.fleet.grants.map(({ grant }) => grant.actionId),
    [actionId],
  );
});

test('when everything runs together, an approved action goes to its end and the cards follow', async (t) => {
  const h = await heart(t);
  await using actions = startActions(h.deps);
  const { actionId } = await h.ask();
  await settle(h, async () => h.telegram.told.includes(`announce ${actionId}`));
  await h.answer(actionId);
  await settle(h, async () => h.fleet.grants.length === 1);
  await actions.reports.recordStarted(web1, { actionId, at: 1 });
  await actions.reports.recordStep(web1, { actionId, step: 'go', phase: 'running' });
  await actions.reports.recordOutput(web1, [{ actionId, step: 'go', chunk: 0, text: 'hello', dropped: 0 }]);
  await actions.reports.recordFinished(web1, { actionId, result: resultOf('succeeded') });
  await settle(h, async () => h.telegram.told.at(-1) === `update ${actionId}`);
  assert.equal(await h.stateOf(actionId), 'succeeded');
  assert.deepEqual(h.problems, []);
  assert.deepEqual(await h.events(actionId), [
    'action.requested',
    'action.approved',
    'action.dispatched',
    'action.started',
    'action.succeeded',
  ]);
});

test('when a server connects, what waits for it is sent at once', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  h.fleet.online.clear();
  await h.answer(actionId);
  await using actions = startActions(h.deps);
  h.fleet.online.add(web1);
  actions.serverConnected(web1);
  await settle(h, async () => (await h.stateOf(actionId)) === 'dispatched');
});

test('when output is older than 30 days, it is forgotten; the action and its log stay', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId, { verdict: 'reject' });
  await write(h.db, (trx) =>
    trx
      .insertInto('action_output')
      .values({ action_id: actionId, chunk: 0, step: 'go', text: 'x', dropped: 0 })
      .execute(),
  );
  await using _ = startActions(h.deps);
  const count = async () => (await h.db.selectFrom('action_output').select('chunk').execute()).length;
  await h.clock.pass(3_600_000);
  assert.equal(await count(), 1);
  h.clock.jump(31 * 86_400_000);
  await h.clock.pass(3_600_000);
  await settle(h, async () => (await count()) === 0);
  assert.equal(await h.stateOf(actionId), 'rejected');
});

test('when the actions are stopped, no timer is left and nobody is told any more', async (t) => {
  const h = await heart(t);
  const actions = startActions(h.deps);
  await actions[Symbol.asyncDispose]();
  assert.equal(h.clock.waiting(), 0);
  await h.ask();
  assert.deepEqual(h.telegram.told, []);
});
