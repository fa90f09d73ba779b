import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Fault, type Risk } from '@countersign/protocol';
import { sql } from 'kysely';
import { votesOn } from '../../src/actions/action.store.ts';
import { dispatch } from '../../src/actions/dispatch.ts';
import { expireDue } from '../../src/actions/expire-due.ts';
import { quorumOf } from '../../src/actions/quorum.ts';
import { requestStop } from '../../src/actions/request-stop.ts';
import { lockOf } from '../../src/actions/server-lock.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { serverById } from '../../src/fleet/server.store.ts';
import { write } from '../../src/storage/write.ts';
import { seeded } from '../fleet/mutate-frames.ts';
import { addPerson } from '../storage/rows.ts';
import { anaAtDashboard, assistant, db1, type Heart, heart } from './heart.ts';
import { type Approver, ed25519Approver, lockWith } from './locks.ts';

const SEED = Number(process.env.COUNTERSIGN_SEED ?? 20_261_121);
const RACES = Number(process.env.COUNTERSIGN_RACES ?? 500);

const people = Array.from({ length: 8 }, (_, n) => ({ id: `prs_00000000000${n}`, name: `Person ${n}` }));
/** One approval at low risk, two at medium, three at high. */
const policy = ['low', 'medium', 'high']
  .map((risk, n) => `  - {name: ${risk}, when: {risk: [${risk}]}, ask: {approvals: ${n + 1}, strength: session}}`)
  .join('\n');
/** What loses a race is told so by one of these. */
const losing = new Set(['already_decided', 'action_not_open', 'action_expired', 'already_voted']);

type Outcome = 'approved' | 'rejected' | 'counted' | 'lost' | 'other';

/** Everybody at once, each after some turns of the loop; what eight people and the clock may do to one action. */
async function race(h: Heart, keys: readonly Approver[], seed: number) {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const risk = (['low', 'medium', 'high'] as const)[below(3)] as Risk;
  const locked = below(3) === 0;
  const { actionId } = await h.ask({ risk, unit: `u${seed}`, server: locked ? 'db-1' : 'web-1' });
  const { digest } = await h.row(actionId);
  const approve = (n: number): Promise<Outcome> =>
    h
      .answer(actionId, {
        person: people[n] ?? assert.fail(),
        ...{ channel: 'web', strength: 'code', secondTap: undefined },
        ...(locked ? { signature: keys[n]?.sign(digest) } : {}),
      })
      .then(({ outcome }) => outcome);
  const reject = (n: number): Promise<Outcome> =>
    h.answer(actionId, { person: people[n] ?? assert.fail(), verdict: 'reject' }).then(({ outcome }) => outcome);
  const other = (work: () => Promise<unknown>) => async (): Promise<Outcome> => {
    await work();
    return 'other';
  };
  const odds: (() => Promise<Outcome>)[] = [
    other(() => withdraw(h.deps, assistant, actionId)),
    other(() => requestStop(h.deps, anaAtDashboard, actionId)),
    other(async () => {
      h.clock.jump(900_000);
      await expireDue(h.deps);
    }),
    other(() => dispatch(h.deps, actionId)),
  ];
  const acts = people.map((_, n) => {
    const roll = below(20);
    if (roll < 15) return () => approve(n);
    return roll < 17 ? () => reject(n) : (odds[below(odds.length)] ?? assert.fail());
  });
  if (below(2) === 0) acts.push(acts[below(acts.length)] ?? assert.fail()); // somebody taps twice
  const order = acts.map((act) => ({ act, turns: below(4), place: random() })).sort((a, b) => a.place - b.place);
  const outcomes = await Promise.all(
    order.map(async ({ act, turns }): Promise<Outcome> => {
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      try {
        return await act();
      } catch (error) {
        if (error instanceof Fault && (losing.has(error.code) || error.code === 'nothing_to_stop')) return 'lost';
        throw error;
      }
    }),
  );
  return { actionId, locked, outcomes };
}

/** There is one decision at most, it stands on a quorum, and every vote that was taken is there. */
async function judged(h: Heart, { actionId, locked, outcomes }: Awaited<ReturnType<typeof race>>) {
  const row = await h.row(actionId);
  const history = await h.db.selectFrom('action_history').selectAll().where('action_id', '=', actionId).execute();
  const ends = history.filter(({ from_state }) => from_state === 'awaiting_approval');
  assert.ok(ends.length <= 1, `${ends.length} decisions`);
  assert.equal(ends.length === 0, row.state === 'awaiting_approval');
  const votes = await votesOn(h.db, actionId);
  const server = await serverById(h.db, row.server_id);
  const quorum = quorumOf(
    { ...row, needed: row.approvals_needed, lock: locked && server ? lockOf(server) : null },
    votes,
  );
  const count = (outcome: Outcome) => outcomes.filter((it) => it === outcome).length;
  const approvals = votes.filter(({ verdict }) => verdict === 'approve').length;
  const rejects = votes.length - approvals;
  assert.equal(count('approved'), ends[0]?.event === 'approve' ? 1 : 0);
  assert.equal(count('rejected'), ends[0]?.event === 'reject' ? 1 : 0);
  assert.equal(rejects, count('rejected'));
  // Who rejects after an own approval takes it back; apart from that, no approval that was taken is lost.
  const taken = count('approved') + count('counted');
  assert.ok(approvals === taken || (rejects === 1 && approvals === taken - 1), `${approvals} kept of ${taken}`);
  assert.equal(quorum.given, approvals, 'each counts once');
  if (ends[0]?.event === 'approve') assert.equal(quorum.given, quorum.needed, 'as many as needed, not one more');
  else assert.ok(quorum.given < quorum.needed, 'never enough without a decision');
  const events = (await h.events(actionId)).filter((event) => /^action\.(approved|rejected)$/.test(event));
  assert.equal(events.length, count('approved') + count('rejected'), 'the log has it once');
}

test(`T9, F8: when eight people and the clock race ${RACES} times, there is one decision each, and no approval is lost (seed ${SEED})`, async (t) => {
  const h = await heart(t, { policy, limits: { pendingMost: 10_000, rejectionsMost: 10_000 } });
  await sql`pragma synchronous = off`.execute(h.db); // durability is not what is raced here, and the disk is slow
  const keys = people.map(() => ed25519Approver());
  await write(h.db, async (trx) => {
    for (const person of people) await addPerson(trx, person);
  });
  const holders = Object.fromEntries(keys.map((key, n) => [`holder ${n}`, [key]]));
  await h.lock(lockWith(holders, { medium: 3 }), db1);
  const seen = new Set<string>();
  for (let n = 0; n < RACES; n += 1) {
    const seed = SEED + n;
    try {
      const run = await race(h, keys, seed);
      await judged(h, run);
      seen.add((await h.row(run.actionId)).state);
    } catch (error) {
      throw new Error(`race with seed ${seed}`, { cause: error });
    }
  }
  assert.ok(
    ['approved', 'rejected', 'withdrawn', 'expired'].every((state) => seen.has(state)),
    [...seen].join(' '),
  );
  const { ok, problems } = await verifyLedger({ db: h.db, publicKey: h.deps.key.publicKey });
  assert.deepEqual([ok, problems], [true, []]);
});
