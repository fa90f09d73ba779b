import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ActionEvent,
  type ActionState,
  actionEvents,
  actionStates,
  type Cause,
  nextState,
  transitions,
} from '@countersign/protocol';
import { applyTransition } from '../../src/actions/apply-transition.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { write } from '../../src/storage/write.ts';
import { type Heart, hasCode, heart } from './heart.ts';

/** An action put into a state as if it had come there. */
async function actionIn(h: Heart, state: ActionState): Promise<string> {
  const { actionId } = await h.ask();
  await write(h.db, (trx) => trx.updateTable('action').set({ state }).where('id', '=', actionId).execute());
  return actionId;
}

const apply = (h: Heart, actionId: string, event: ActionEvent, cause: Cause) =>
  write(h.db, (trx) =>
    applyTransition(h.deps, trx, {
      actionId,
      event,
      cause,
      who: whoIs('system'),
      at: h.clock.now(),
      note: 'for the test',
    }),
  );
const causes: readonly Cause[] = ['person', 'requester', 'clock', 'policy', 'system', 'runner'];

test('when an event is in the table, it leads where the table says, with one line of history, one of audit and one in the timeline', async (t) => {
  const h = await heart(t, { limits: { pendingMost: 1000 } });
  for (const { from, event, to, by } of transitions) {
    const actionId = await actionIn(h, from);
    const before = (await h.events(actionId)).length;
    assert.equal(await apply(h, actionId, event, by), to);
    assert.equal(await h.stateOf(actionId), to);
    const history = await h.db
      .selectFrom('action_history')
      .selectAll()
      .where('action_id', '=', actionId)
      .orderBy('n')
      .execute();
    assert.deepEqual(
      [history.length, history[1]?.from_state, history[1]?.event, history[1]?.to_state],
      [2, from, event, to],
    );
    assert.equal((await h.events(actionId)).length, before + 1);
    const lines = await h.db.selectFrom('timeline_entry').select('id').where('action_id', '=', actionId).execute();
    assert.equal(lines.length, 2);
    assert.deepEqual(
      h.live.findLast((it) => it.type === 'action'),
      { type: 'action', id: actionId, server: 'srv_000000000001', state: to },
    );
    await write(h.db, (trx) =>
      trx.updateTable('action').set({ state: 'expired' }).where('id', '=', actionId).execute(),
    );
  }
});

test('when an event is not in the table for the state or the cause, nothing changes', async (t) => {
  const h = await heart(t);
  const actionId = await actionIn(h, 'expired');
  const before = await h.events();
  let tried = 0;
  for (const state of actionStates) {
    await write(h.db, (trx) => trx.updateTable('action').set({ state }).where('id', '=', actionId).execute());
    for (const event of actionEvents)
      for (const cause of causes) {
        if (transitions.some((it) => it.from === state && it.event === event && it.by === cause)) continue;
        await assert.rejects(apply(h, actionId, event, cause), hasCode('action_not_open'));
        assert.equal(await h.stateOf(actionId), state);
        tried += 1;
      }
  }
  assert.equal(tried, actionStates.length * actionEvents.length * causes.length - transitions.length);
  assert.deepEqual(await h.events(), before);
});

test('when an action is not there, or its history was lost, a transition is refused all the same', async (t) => {
  const h = await heart(t);
  await assert.rejects(apply(h, 'act_000000000000', 'withdraw', 'requester'), hasCode('action_not_found'));
  const actionId = await actionIn(h, 'expired');
  await write(h.db, (trx) => trx.deleteFrom('action_history').where('action_id', '=', actionId).execute());
  await assert.rejects(apply(h, actionId, 'approve', 'person'), hasCode('action_not_open', /2026-11-20T02:13/));
});

test('when somebody writes an illegal pair into the history behind the door, the database refuses', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  for (const from of actionStates)
    for (const event of actionEvents) {
      const to_state = actionStates.find((state) => state !== nextState(from, event)) ?? 'failed';
      await assert.rejects(
        write(h.db, (trx) =>
          trx
            .insertInto('action_history')
            .values({ action_id: actionId, n: 99, from_state: from, event, to_state, by: 'x', at: 1, note: null })
            .execute(),
        ),
        /FOREIGN KEY/,
      );
    }
});

test('when the transaction around a transition fails, neither state nor audit nor followers know of it', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const [before, live] = [await h.events(), h.live.length];
  let told = 0;
  h.deps.followers.add({ actionChanged: () => (told += 1) });
  await assert.rejects(
    write(h.db, async (trx) => {
      await applyTransition(h.deps, trx, {
        actionId,
        event: 'withdraw',
        cause: 'requester',
        who: whoIs('system'),
        at: 1,
      });
      throw new Error('crash');
    }),
    /crash/,
  );
  assert.deepEqual(
    [await h.stateOf(actionId), await h.events(), h.live.length, told],
    ['awaiting_approval', before, live, 0],
  );
});

test('when a follower fails, the others are told all the same', async (t) => {
  const h = await heart(t);
  const told: string[] = [];
  h.deps.followers.add({
    actionChanged: () => {
      throw new Error('broken follower');
    },
  });
  h.deps.followers.add({ actionChanged: (id) => told.push(id) });
  const { actionId } = await h.ask();
  assert.deepEqual(told, [actionId]);
  assert.equal(h.problems.length, 1);
});
