import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Risk, strengths } from '@countersign/protocol';
import { actionDetail } from '../../src/actions/action-detail.ts';
import type { Verdict } from '../../src/actions/decide.ts';
import { withdraw } from '../../src/actions/withdraw.ts';
import { write } from '../../src/storage/write.ts';
import { addPerson } from '../storage/rows.ts';
import { ana, anaAtDashboard, assistant, ben, type Heart, hasCode, heart, twoTaps } from './heart.ts';

const person = (n: number) => ({ id: `prs_00000000000${n}`, name: `Person ${n}` });
const addApprovers = (h: Heart, count: number) =>
  write(h.db, async (trx) => {
    for (let n = 0; n < count; n += 1) await addPerson(trx, person(n));
  });
const inWeb = { channel: 'web', strength: 'session', secondTap: undefined } as const;

test('when a person who may approves, the action is approved, may start for two minutes, and the log says who and how', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  assert.deepEqual(await h.answer(actionId), { state: 'approved', outcome: 'approved', missing: 0 });
  const detail = await actionDetail(h.deps, actionId);
  assert.deepEqual(
    [detail.approvals[0]?.person, detail.approvals[0]?.channel, detail.approvals_given],
    [ben, 'telegram', 1],
  );
  assert.equal(Date.parse(detail.expires_at ?? ''), h.clock.now() + 120_000);
  const entry = await h.lastDetails('action.approved');
  assert.deepEqual(
    [entry?.who.person?.name, entry?.details.channel, entry?.details.digest],
    ['Ben', 'telegram', detail.digest],
  );
});

test('when a person rejects, the action is over and the reason is kept', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  assert.equal((await h.answer(actionId, { verdict: 'reject', reason: 'not during the sale' })).outcome, 'rejected');
  assert.match(
    (await actionDetail(h.deps, actionId)).status,
    /^Rejected by Ben by telegram\. Reason: not during the sale Nothing was done\./,
  );
});

/** Each refused verdict changes nothing but the log. */
const refused: [string, Partial<Verdict>, Parameters<typeof hasCode>[0], RegExp, { risk?: Risk; policy?: string }?][] =
  [
    [
      'it comes from somebody who is no person here',
      { person: { id: 'prs_0000000000zz', name: 'Eve' } },
      'not_an_approver',
      /Eve is not a person here/,
    ],
    [
      'it comes from a person without the role that policy asks for',
      {},
      'not_an_approver',
      /your role is approver.*asks for owner/,
      { policy: '  - {name: owners, ask: {from: [owner]}}' },
    ],
    ['the plan that was shown is another one', { digest: 'f'.repeat(64) }, 'digest_mismatch', /is not the plan/],
    [
      'it comes by a channel that policy does not accept',
      { channel: 'ide', strength: 'form' },
      'channel_too_weak',
      /accepts telegram, web, cli only/,
    ],
    [
      'it is weaker than policy asks for',
      {},
      'channel_too_weak',
      /at least code, it was tap/,
      { policy: '  - {name: strong, ask: {strength: code}}' },
    ],
    [
      'a form was answered by a person who has not switched that on',
      { channel: 'ide', strength: 'form' },
      'channel_too_weak',
      /not switched on/,
      { risk: 'low' },
    ],
    [
      'a form was answered at medium risk, whatever policy says',
      { channel: 'ide', strength: 'form', person: ana },
      'channel_too_weak',
      /at low risk only/,
      { policy: '  - {name: lax, ask: {strength: form}}' },
    ],
    [
      'one tap is to approve high risk',
      { secondTap: false },
      'channel_too_weak',
      /second tap/,
      { risk: 'high', policy: twoTaps },
    ],
    ['high risk is approved by Telegram', {}, 'channel_too_weak', /at least session, it was tap/, { risk: 'high' }],
    [
      'high risk is approved in the dashboard without typing the server',
      inWeb,
      'invalid_input',
      /typed_server.*web-1/,
      { risk: 'high' },
    ],
    [
      'the wrong server is typed at high risk',
      { ...inWeb, typedServer: 'web-2' },
      'invalid_input',
      /typed_server/,
      { risk: 'high' },
    ],
    [
      'the wrong server is typed although the answer came with a code',
      { ...inWeb, strength: 'code', typedServer: 'web-2' },
      'invalid_input',
      /typed_server/,
      { risk: 'high' },
    ],
    [
      'critical risk is approved by Telegram',
      {},
      'channel_too_weak',
      /at least session, it was tap/,
      { risk: 'critical' },
    ],
  ];
for (const [what, verdict, code, words, { risk, policy } = {}] of refused)
  test(`when a verdict does not count because ${what}, nothing changes and it is audited`, async (t) => {
    const h = await heart(t, policy === undefined ? {} : { policy });
    await write(h.db, (trx) => trx.updateTable('person').set({ ide_answers: 1 }).where('id', '=', ana.id).execute());
    const { actionId } = await h.ask(risk === undefined ? {} : { risk });
    await assert.rejects(h.answer(actionId, verdict), hasCode(code, words));
    assert.equal(await h.stateOf(actionId), 'awaiting_approval');
    assert.deepEqual((await actionDetail(h.deps, actionId)).approvals, []);
    assert.deepEqual(await h.events(actionId), ['action.requested', 'approval.refused']);
    assert.equal((await h.lastDetails('approval.refused'))?.details.error, code);
  });

const accepted: [string, Partial<Verdict>, Risk, string?][] = [
  [
    'a form is answered at low risk by a person who switched that on',
    { channel: 'ide', strength: 'form', person: ana, secondTap: undefined },
    'low',
  ],
  ['a second tap confirms high risk where a rule takes taps', {}, 'high', twoTaps],
  ['the server is typed at high risk', { ...inWeb, typedServer: 'web-1' }, 'high'],
  ['a fresh code comes with it at high risk', { ...inWeb, strength: 'code' }, 'high'],
  [
    'the command line types the server at critical risk',
    { ...inWeb, channel: 'cli', typedServer: 'web-1' },
    'critical',
  ],
];
for (const [what, verdict, risk, policy] of accepted)
  test(`when ${what}, the approval counts`, async (t) => {
    const h = await heart(t, policy === undefined ? {} : { policy });
    await write(h.db, (trx) => trx.updateTable('person').set({ ide_answers: 1 }).where('id', '=', ana.id).execute());
    const { actionId } = await h.ask({ risk });
    assert.equal((await h.answer(actionId, verdict)).outcome, 'approved');
  });

test('when the same person decides in another channel than the one that asked, it counts; in the session that asked, it does not', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask({ caller: anaAtDashboard });
  const session = anaAtDashboard.session?.id;
  await assert.rejects(h.answer(actionId, { ...inWeb, person: ana, sessionId: session }), hasCode('own_request'));
  assert.equal((await h.answer(actionId, { ...inWeb, person: ana, sessionId: 'ses_another' })).outcome, 'approved');
  const byToken = await h.ask({ unit: 'ssh' });
  assert.equal((await h.answer(byToken.actionId, { person: ana })).outcome, 'approved');
});

test('when a person was removed, an answer of theirs does not count', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await write(h.db, (trx) => trx.updateTable('person').set({ removed_at: 1 }).where('id', '=', ben.id).execute());
  await assert.rejects(h.answer(actionId), hasCode('not_an_approver'));
});

test('when somebody decided already, a second decision is told who it was', async (t) => {
  const h = await heart(t);
  const approved = await h.ask();
  await h.answer(approved.actionId);
  await assert.rejects(
    h.answer(approved.actionId, { person: ana }),
    hasCode('already_decided', /approved by Ben, by telegram, at 2026-/),
  );
  const rejected = await h.ask({ unit: 'ssh' });
  await h.answer(rejected.actionId, { verdict: 'reject' });
  await assert.rejects(h.answer(rejected.actionId, { person: ana }), hasCode('already_decided', /rejected by Ben/));
  const withdrawn = await h.ask({ unit: 'cron' });
  await withdraw(h.deps, assistant, withdrawn.actionId);
  await assert.rejects(h.answer(withdrawn.actionId), hasCode('action_not_open', /withdrawn/));
  await assert.rejects(h.answer('act_000000000000', { digest: 'x' }), hasCode('action_not_found'));
});

test('when policy decided already, a verdict is told so', async (t) => {
  const h = await heart(t, {
    policy: '  - {name: free, when: {risk: [low]}, allow: true}\n  - {name: no, deny: {reason: Frozen.}}',
  });
  const [allowed, denied] = [await h.ask({ risk: 'low' }), await h.ask({ unit: 'ssh' })];
  await assert.rejects(h.answer(allowed.actionId), hasCode('already_decided', /policy.*rule free/));
  await assert.rejects(h.answer(denied.actionId), hasCode('action_not_open', /denied since 2026-11-20T02:13/));
});

test('when the time is over, a decision comes too late, also before any sweep noticed', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.clock.pass(15 * 60_000);
  await assert.rejects(h.answer(actionId), hasCode('action_expired', /expired at 2026-11-20T02:28:00/));
  assert.equal(await h.stateOf(actionId), 'expired');
  await assert.rejects(h.answer(actionId), hasCode('action_expired'));
  assert.deepEqual(await h.events(actionId), [
    'action.requested',
    'approval.refused',
    'action.expired',
    'approval.refused',
  ]);
});

test('when the stored plan is changed behind our back, it cannot be approved, but it can be rejected', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const { plan_json } = await h.row(actionId);
  const changed = plan_json.replaceAll('nginx.service', 'other.service');
  await write(h.db, (trx) =>
    trx.updateTable('action').set({ plan_json: changed }).where('id', '=', actionId).execute(),
  );
  await assert.rejects(h.answer(actionId), hasCode('digest_mismatch'));
  assert.equal((await h.answer(actionId, { verdict: 'reject' })).outcome, 'rejected');
});

test('when two approvals are needed, each person counts once, and a reject in between wins', async (t) => {
  const h = await heart(t, { policy: '  - {name: two, ask: {approvals: 2}}' });
  const { actionId } = await h.ask();
  assert.deepEqual(await h.answer(actionId), { state: 'awaiting_approval', outcome: 'counted', missing: 1 });
  await assert.rejects(h.answer(actionId), hasCode('already_voted', /waits for 1 more/));
  assert.match((await actionDetail(h.deps, actionId)).status, /^Waits for one approval more \(1 of 2 given\)/);
  assert.equal((await h.answer(actionId, { person: ana })).outcome, 'approved');
  const second = await h.ask({ unit: 'ssh' });
  await h.answer(second.actionId);
  assert.equal(
    (await h.answer(second.actionId, { verdict: 'reject' })).state,
    'rejected',
    'who approved may think again',
  );
  await assert.rejects(h.answer(second.actionId, { person: ana }), hasCode('already_decided'));
});

test('F8: when eight people approve at once, one decides and seven are told who it was', async (t) => {
  const h = await heart(t);
  await addApprovers(h, 8);
  for (let round = 0; round < 10; round += 1) {
    const { actionId } = await h.ask({ unit: `app-${round}` });
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => h.answer(actionId, { person: person((n + round) % 8) })),
    );
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const answer of answers) if (answer.status === 'rejected') hasCode('already_decided')(answer.reason);
    assert.equal((await h.events(actionId)).filter((event) => event === 'action.approved').length, 1);
  }
});

test('when eight people answer at once and two approvals are needed, either two approvals or one reject decide, never both', async (t) => {
  const h = await heart(t, { policy: '  - {name: two, ask: {approvals: 2}}', limits: { rejectionsMost: 100 } });
  await addApprovers(h, 8);
  const seen = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const { actionId } = await h.ask({ unit: `app-${round}` });
    await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        h.answer(actionId, { person: person(n), verdict: (n + round) % 4 === 3 ? 'reject' : 'approve' }),
      ),
    );
    const { state, approvals } = await actionDetail(h.deps, actionId);
    const verdicts = approvals.map(({ verdict }) => verdict);
    if (state === 'approved') assert.deepEqual(verdicts, ['approve', 'approve']);
    else assert.deepEqual([state, verdicts.filter((it) => it === 'reject').length], ['rejected', 1]);
    seen.add(state);
  }
  assert.deepEqual([...seen].sort(), ['approved', 'rejected']);
});

test('F8: when one person taps twice at the same moment, the second tap is told that it is decided', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  const answers = await Promise.allSettled([h.answer(actionId), h.answer(actionId)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('when strengths are compared, a form is the weakest', () => {
  assert.deepEqual(strengths, ['form', 'tap', 'session', 'code', 'passkey']);
});
