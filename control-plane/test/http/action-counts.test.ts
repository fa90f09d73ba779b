import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ActionState, transitions } from '@countersign/protocol';
import { applyTransition } from '../../src/actions/apply-transition.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { ActionCounts } from '../../src/http/action-counts.ts';
import { write } from '../../src/storage/write.ts';
import { type Heart, heart, web1 } from '../actions/heart.ts';

type Arrow = (typeof transitions)[number];

/** The arrows that lead from the first state of a request to another; none where it is that one. */
function wayTo(state: ActionState): readonly Arrow[] {
  const ways: { readonly at: ActionState; readonly way: readonly Arrow[] }[] = [{ at: 'awaiting_approval', way: [] }];
  for (const { at, way } of ways) {
    if (at === state) return way;
    for (const arrow of transitions)
      if (arrow.from === at && !ways.some((it) => it.at === arrow.to))
        ways.push({ at: arrow.to, way: [...way, arrow] });
  }
  return assert.fail(`nothing leads to ${state}`);
}

const apply = (h: Heart, actionId: string, { event, by: cause }: Arrow) =>
  write(h.db, (trx) =>
    applyTransition(h.deps, trx, { actionId, event, cause, who: whoIs('system'), at: h.clock.now() }),
  );

async function world(t: TestContext) {
  const h = await heart(t, { limits: { pendingMost: 1000 } });
  const counts = new ActionCounts(h.db);
  const check = async () => {
    const rows = await h.db
      .selectFrom('action')
      .select(['state', (q) => q.fn.countAll<number>().as('n')])
      .groupBy('state')
      .orderBy('state')
      .execute();
    assert.deepEqual(
      [...(await counts.now())].sort(),
      rows.map(({ state, n }) => [state, n]),
    );
  };
  return { h, counts, check };
}

test('when actions go along every arrow of the table, the counts go with them, and so do those of more arrows at once', async (t) => {
  const { h, check } = await world(t);
  await check();
  for (const [n, arrow] of transitions.entries()) {
    const { actionId } = await h.ask({ unit: `unit-${n}` });
    for (const step of [...wayTo(arrow.from), arrow]) {
      await apply(h, actionId, step);
      if (n % 2 === 0) await check();
    }
    await check();
  }
  await h.ask({ risk: 'low' });
  await check();
});

test('when a request or a change is taken back, or two ask at once, nothing is counted that is not there', async (t) => {
  const { h, counts, check } = await world(t);
  const { actionId } = await h.ask();
  await check();
  const [first] = wayTo('approved');
  await assert.rejects(
    write(h.db, async (trx) => {
      const { event, by: cause } = first ?? assert.fail();
      await applyTransition(h.deps, trx, { actionId, event, cause, who: whoIs('system'), at: 1 });
      throw new RangeError('no');
    }),
    RangeError,
  );
  await check();
  await h.ask({ unit: 'ssh' });
  const [one, other] = await Promise.all([counts.now(), counts.now()]);
  assert.deepEqual(one, other);
  await check();
});

test('when much happened since the last time, they are counted anew', async (t) => {
  const { h, check } = await world(t);
  await h.ask();
  await check();
  await write(h.db, async (trx) => {
    for (let n = 0; n < 6000; n += 1)
      await appendEntry(trx, { event: 'server.connected', at: n, who: whoIs('system') });
  });
  await h.ask({ unit: 'ssh' });
  await check();
  await h.ask({ unit: 'cron' });
  await check();
});

test('when an entry of the log is damaged, the actions are counted all the same', async (t) => {
  const { h, check } = await world(t);
  await h.ask();
  await check();
  const { actionId } = await h.ask({ unit: 'ssh' });
  await write(h.db, async (trx) => {
    const { n } = await trx
      .selectFrom('audit_entry')
      .select((q) => q.fn.max('seq').as('n'))
      .executeTakeFirstOrThrow();
    const damaged = { event: 'action.refused', body: '{', hash: 'f'.repeat(64), at: 1 };
    await trx
      .insertInto('audit_entry')
      .values({ ...damaged, seq: Number(n) + 1, server_id: web1, action_id: actionId, person_id: null })
      .execute();
  });
  await check();
  await h.ask({ unit: 'cron' });
  await check();
});
