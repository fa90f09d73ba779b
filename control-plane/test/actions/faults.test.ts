import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { dispatch, sendGrant } from '../../src/actions/dispatch.ts';
import { recordFinished } from '../../src/actions/record-finished.ts';
import { recordStarted } from '../../src/actions/record-started.ts';
import { requestStop } from '../../src/actions/request-stop.ts';
import { resumeServer } from '../../src/actions/resume-server.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { write } from '../../src/storage/write.ts';
import { anaAtDashboard, hasCode, heart, resultOf, web1 } from './heart.ts';

test('F10: when the disk of the control plane is full, requests and verdicts are refused with nothing changed, and go on when there is room', async (t) => {
  const h = await heart(t, { limits: { pendingMost: 1_000 } });
  const waiting = [];
  for (let n = 0; n < 60; n += 1) waiting.push((await h.ask({ unit: `w${n}` })).actionId);
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(h.db);
  await sql`pragma max_page_count = ${sql.raw(String(rows[0]?.page_count))}`.execute(h.db);
  const isFull = hasCode('storage_unwritable', /cannot be written \(SQLITE_FULL\); nothing was changed/);
  const untilFull = async (work: () => Promise<unknown>) => {
    try {
      await work();
      return false;
    } catch (error) {
      return isFull(error);
    }
  };
  let unit = 0;
  while (!(await untilFull(() => h.ask({ unit: `u${unit}` })))) unit += 1;
  let refused: string | undefined;
  for (const id of waiting)
    if (refused === undefined && (await untilFull(() => h.answer(id, { reason: 'x'.repeat(400) })))) refused = id;
  assert.ok(refused, 'in the end a verdict does not fit either');
  assert.equal(await h.stateOf(refused), 'awaiting_approval');
  assert.deepEqual((await actionDetail(h.deps, refused)).approvals, []);
  await sql`pragma max_page_count = 1000000`.execute(h.db);
  assert.equal((await h.answer(refused)).outcome, 'approved');
  await h.ask({ unit: `u${unit}` });
  const { ok, problems } = await verifyLedger({ db: h.db, publicKey: h.deps.key.publicKey });
  assert.deepEqual([ok, problems], [true, []], 'the log is whole');
});

test('F11: when another process holds the store for a second, a verdict waits and is not lost', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  // A process of its own: the locks of a file belong to processes, not to connections.
  const hold = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1]);
    db.exec('begin immediate'); console.log('held'); process.stdin.once('data', () => { db.close(); process.exit(); });`;
  const holder = spawn(process.execPath, ['-e', hold, h.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill());
  await once(holder.stdout, 'data');
  const verdict = h.answer(actionId);
  // Each try keeps this process for a fifth of a second.
  for (const end = performance.now() + 1000; performance.now() < end; ) await setImmediate();
  assert.equal(await h.stateOf(actionId), 'awaiting_approval', 'it waits');
  holder.stdin.write('let go');
  assert.equal((await verdict).outcome, 'approved');
  assert.equal((await actionDetail(h.deps, actionId)).approvals.length, 1);
});

test('F2: when the grant was sent and the process died before anybody knew, it is sent again and there is one start', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await dispatch(h.deps, actionId);
  await resumeServer(h.deps, web1);
  assert.deepEqual(h.fleet.grants[1], h.fleet.grants[0], 'the very same bytes');
  for (let n = 0; n < 2; n += 1) await recordStarted(h.deps, web1, { actionId, at: 1 });
  for (let n = 0; n < 2; n += 1) await recordFinished(h.deps, web1, { actionId, result: resultOf('succeeded') });
  const events = await h.events(actionId);
  assert.deepEqual(events.slice(-3), ['action.dispatched', 'action.started', 'action.succeeded']);
});

test('F18: when a server remembers a log that this database does not have, nothing new is asked of it and nothing is sent there', async (t) => {
  const h = await heart(t);
  const [approved, sent] = [await h.ask(), await h.ask({ unit: 'ssh' })];
  for (const { actionId } of [approved, sent]) await h.answer(actionId);
  h.fleet.beforeDispatch = () => Promise.reject(new Error('the link broke'));
  await dispatch(h.deps, sent.actionId);
  h.fleet.beforeDispatch = async () => undefined;
  const contradiction = { kind: 'rolled_back', size: 812, head: 'a'.repeat(64), at: 1, entries: 5, seenAt: 2 };
  const remember = (kept: object | null) =>
    write(h.db, (trx) =>
      trx
        .updateTable('server')
        .set({ contradiction_json: kept && JSON.stringify(kept) })
        .where('id', '=', web1)
        .execute(),
    );
  await remember(contradiction);
  await assert.rejects(h.ask({ unit: 'cron' }), hasCode('ledger_rolled_back', /web-1 remembers 812 entries/));
  assert.equal(await dispatch(h.deps, approved.actionId), 'revoked');
  await sendGrant(h.deps, sent.actionId);
  assert.deepEqual(h.fleet.grants, []);
  assert.match((await actionDetail(h.deps, approved.actionId)).status, /remembers 812 entries/);
  await remember({ ...contradiction, kind: 'rewritten' });
  await assert.rejects(h.ask({ unit: 'cron' }), hasCode('checkpoint_contradicts', /contradicts the one of 812/));
  await h.ask({ unit: 'cron', server: 'db-1' });
  await remember(null);
  await h.ask({ unit: 'cron' });
  await sendGrant(h.deps, sent.actionId);
  assert.equal(h.fleet.grants.length, 1);
});

test('F19: when an approver stops what was not sent yet, it is withdrawn and never sent', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  assert.equal(
    await requestStop(
      h.deps,
      { ...anaAtDashboard, person: { id: 'prs_0000000000bb', name: 'Ben', role: 'approver' } },
      actionId,
    ),
    'withdrawn',
  );
  assert.equal(await dispatch(h.deps, actionId), 'not_approved');
  assert.deepEqual(h.fleet.stops, []);
  assert.match(
    (await actionDetail(h.deps, actionId)).status,
    /^Stopped by Ben before it was sent\. Nothing was done\./,
  );
});

test('F19: when a stop and a dispatch come at once, it is withdrawn and not sent, or sent and asked to stop', async (t) => {
  const h = await heart(t, { limits: { pendingMost: 100 } });
  for (let round = 0; round < 20; round += 1) {
    const { actionId } = await h.ask({ unit: `u${round}` });
    await h.answer(actionId);
    const works = [() => dispatch(h.deps, actionId), () => requestStop(h.deps, anaAtDashboard, actionId)];
    await Promise.all((round % 2 === 0 ? works : works.reverse()).map((work) => work()));
    const { state, stop_requested_at } = await h.row(actionId);
    const granted = h.fleet.grants.some(({ grant }) => grant.actionId === actionId);
    const asked = h.fleet.stops.includes(actionId);
    if (state === 'withdrawn') assert.deepEqual([granted, asked], [false, false]);
    else assert.deepEqual([state, granted, asked, stop_requested_at !== null], ['dispatched', true, true, true]);
  }
});
