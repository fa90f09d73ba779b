import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PlanProbe, Preview, StepPreview } from '@countersign/protocol';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { driftBetween } from '../../src/run/preview.ts';
import type { Report } from '../../src/run/runner-wire.ts';
import { approvalOf, command, draftOf, grantOf, makeBed, planOf, start, until, Watched } from './bed.ts';

const lockedPolicy = `mode: act\nlock: ${JSON.stringify(lockOf([approver('Ada')]))}\n`;

const unitIs = (unit: string, state: string): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect: { active_state: { is: state } },
});

function codeOf(report: Report): string {
  assert.equal(report.kind, 'refused', JSON.stringify(report));
  return (report as Extract<Report, { kind: 'refused' }>).fault.code;
}

test('when a grant is good, its steps run in order, the check passes and the result tells all of it', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const check = { probes: [unitIs('a.service', 'active')], settle_ms: 1, stable_ms: 20 };
  const plan = await planOf(
    bed,
    draftOf([start('one', 'a.service'), command('two', 'sh', '-c', 'echo hello; sleep 0.2')], { check }),
  );
  const signed = grantOf(bed, plan);
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.outcome, 'succeeded');
  assert.deepEqual(
    result.steps.map(({ step, state, exitCode }) => [step, state, exitCode]),
    [
      ['one', 'done', 0],
      ['two', 'done', 0],
    ],
  );
  assert.equal(result.check?.readings.length, 2);
  assert.equal(result.undo.state, 'not_needed');
  assert.deepEqual(
    watched.reports(signed.grant.actionId).map(({ kind }) => kind),
    ['started', 'finished'],
  );
  assert.equal(watched.output(signed.grant.actionId), 'hello\n');
  assert.deepEqual(bed.effects(), ['start a.service']);
  const phases = watched.told.flatMap((message) =>
    message.type === 'step' ? [`${message.step} ${message.phase}`] : [],
  );
  // Where a step is over in a moment, or the action is, its place may not have been told.
  assert.ok(phases.includes('two running'), phases.join());
  const all = ['one running', 'two running', 'check checking'];
  assert.deepEqual(
    phases,
    all.filter((phase) => phases.includes(phase)),
  );
});

test('T11: when a grant is dispatched twice, at once and again after its end, there is one effect and the same result', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  const { actionId } = signed.grant;
  watched.runner.accept(signed, 0);
  watched.runner.accept(signed, 0);
  const first = await watched.ending(actionId);
  watched.runner.accept(signed, 0);
  const finished = watched.reports(actionId).filter(({ kind }) => kind === 'finished');
  assert.equal(finished.length, 2);
  assert.deepEqual(finished[1], first);
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('T3: when a grant is replayed after a restart of the runner, there is one effect and the same result', async () => {
  using bed = makeBed();
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  const { actionId } = signed.grant;
  let first: Report | undefined;
  {
    await using before = new Watched(bed);
    before.runner.accept(signed, 0);
    first = await before.ending(actionId);
    before.runner.kept(actionId, 'started');
    before.runner.kept(actionId, 'finished');
  }
  await using after = new Watched(bed);
  assert.deepEqual(after.told, [], 'what is kept is not told again by itself');
  after.runner.accept(signed, 0);
  assert.deepEqual(after.reports(actionId).at(-1), first);
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('T8: when a known action comes with another plan, it is refused as replayed and nothing runs', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  const { actionId } = signed.grant;
  watched.runner.accept(signed, 0);
  await watched.ending(actionId);
  const other = grantOf(bed, await planOf(bed, draftOf([start('one', 'b.service')])), { actionId });
  watched.runner.accept(other, 0);
  const refused = watched.reports(actionId).at(-1);
  assert.equal(refused && codeOf(refused), 'grant_replayed');
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('when the state drifted since the preview, the action is refused, says what changed, and nothing is done', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  writeFileSync(join(bed.folder, 'a.service'), 'failed');
  watched.runner.accept(signed, 0);
  const report = await watched.ending(signed.grant.actionId);
  assert.equal(codeOf(report), 'state_drifted');
  assert.match(JSON.stringify(report), /state of unit a\.service changed from \\"inactive\\" to \\"failed\\"/);
  assert.deepEqual(bed.effects(), []);
  // The refusal is final: the same grant is not carried out later, when the state is back.
  writeFileSync(join(bed.folder, 'a.service'), 'inactive');
  watched.runner.accept(signed, 0);
  assert.equal(watched.reports(signed.grant.actionId).length, 2);
  assert.deepEqual(bed.effects(), []);
});

test('when what would be started is not what was shown, the action is refused', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const plan = await planOf(bed, draftOf([command('one', 'echo', 'a')]));
  const shown = {
    ...plan,
    preview: { ...plan.preview, steps: [{ ...plan.preview.steps[0], argv: [['echo', 'b']] } as never] },
  };
  const signed = grantOf(bed, shown);
  watched.runner.accept(signed, 0);
  const report = await watched.ending(signed.grant.actionId);
  assert.equal(codeOf(report), 'state_drifted');
  assert.match(JSON.stringify(report), /step one would start .*echo.*a.*, and .*echo.*b.* was shown/);
});

test('T8: when very much drifted, each difference is named as far as there is room, and the reason says how many more there are', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const steps = Array.from({ length: 20 }, (_, index) => start(`s${index}`, `${'x'.repeat(80)}-${index}.service`));
  const plan = await planOf(bed, draftOf(steps));
  const signed = grantOf(bed, plan);
  for (const { parameters } of steps) writeFileSync(join(bed.folder, String(parameters.unit)), 'failed');
  watched.runner.accept(signed, 0);
  const report = await watched.ending(signed.grant.actionId);
  assert.equal(codeOf(report), 'state_drifted');
  const { slots } = (report as Extract<Report, { kind: 'refused' }>).fault;
  assert.match(String(slots.reason), /-0\.service changed from "inactive" to "failed"; .*; and 15 more$/);
  const lines = String(slots.differences).split('\n');
  assert.ok(lines.length > 10 && String(slots.differences).length <= 2000, `${lines.length} lines`);
  assert.match(lines.at(-1) ?? '', /more characters/);
});

test('when a fact appears or goes, or steps differ, the drift names each', () => {
  const of = (witness: [string, string][], steps: Partial<StepPreview>[] = []): Preview => ({
    witness: witness.map(([subject, value]) => ({ subject, property: 'state', value })),
    steps: steps.map((step) => ({ step: 'one', argv: [], diff: null, effects: [], undo: null, ...step })),
    predictable: true,
  });
  assert.deepEqual(driftBetween(of([['a', '1']]), of([['a', '1']])), []);
  assert.deepEqual(
    driftBetween(
      of([
        ['a', '1'],
        ['b', '1'],
        ['c', '1'],
      ]),
      of([
        ['a', '2'],
        ['b', '1'],
        ['d', '3'],
      ]),
    ),
    ['state of a changed from "1" to "2"', 'state of c cannot be read any more', 'state of d, now "3", was not there'],
  );
  assert.deepEqual(driftBetween(of([], [{}, { step: 'two' }]), of([], [{ argv: [['rm']], diff: '+x' }])), [
    'step one would start [["rm"]], and [] was shown',
    'step one would write something else than was shown',
    'step two is not there any more',
  ]);
  assert.deepEqual(driftBetween(of([], [{}]), of([], [{}, { step: 'two', argv: [['rm']] }])), [
    'what step two does was not shown',
  ]);
});

test('T7: when a preview was made up to look harmless, the way back and what nobody can foretell count as drift too', () => {
  const step = (given: Partial<StepPreview> = {}) => ({
    step: 'one',
    argv: [],
    diff: null,
    effects: [],
    undo: null,
    ...given,
  });
  const of = (predictable: boolean, ...steps: StepPreview[]): Preview => ({ witness: [], steps, predictable });
  const otherwise = ['what it does cannot be predicted, and other effects were shown'];
  const command = of(false, step({ effects: ['What it does cannot be predicted.'] }));
  assert.deepEqual(driftBetween(command, command), []);
  assert.deepEqual(driftBetween({ ...command, predictable: true }, command), otherwise);
  assert.deepEqual(driftBetween(of(false, step({ effects: ['Nothing changes.'] })), command), otherwise);
  // Figures of what can be foretold move by themselves.
  assert.deepEqual(driftBetween(of(true, step({ effects: ['Frees 8 MB.'] })), of(true, step())), []);
  assert.deepEqual(driftBetween(of(true, step({ undo: 'It is put back.' })), of(true, step())), [
    'step one would be taken back otherwise than was shown',
  ]);
});

test('when a precondition does not hold, the action is refused and nothing is done', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const preconditions = [unitIs('a.service', 'failed')];
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')], { preconditions })));
  watched.runner.accept(signed, 0);
  const report = await watched.ending(signed.grant.actionId);
  assert.equal(codeOf(report), 'precondition_failed');
  assert.match(JSON.stringify(report), /active_state is/);
  assert.deepEqual(bed.effects(), []);
});

test('when the check fails, everything is undone once, last step first', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const check = { probes: [unitIs('a.service', 'gone')], settle_ms: 0, stable_ms: 0 };
  const draft = draftOf([start('one', 'a.service'), start('two', 'b.service')], { check });
  const signed = grantOf(bed, await planOf(bed, draft));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.outcome, 'failed');
  assert.equal(result.check?.passed, false);
  assert.equal(result.undo.state, 'done');
  assert.equal(result.summary, 'The check failed: unit.state: active_state is "active", expected "gone".');
  assert.deepEqual(bed.effects(), ['start a.service', 'start b.service', 'undo b.service', 'undo a.service']);
});

test('when a step fails, later steps are not begun and the begun ones are undone', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const steps = [start('one', 'a.service'), start('two', 'broken.service'), start('three', 'c.service')];
  const signed = grantOf(bed, await planOf(bed, draftOf(steps)));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.deepEqual(
    result.steps.map(({ state }) => state),
    ['done', 'failed', 'skipped'],
  );
  assert.deepEqual(bed.effects(), ['start a.service', 'start broken.service', 'undo broken.service', 'undo a.service']);
});

test('when a step that cannot be undone fails, the result says so', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([command('one', 'false')])));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.outcome, 'failed');
  assert.equal(result.steps[0]?.exitCode, 1);
  assert.equal(result.undo.state, 'impossible');
});

test('when a plan brings undo steps of its own, those are run instead', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const undo = [{ ...start('back', 'z.service'), timeout_ms: 1000 }] as never;
  const signed = grantOf(bed, await planOf(bed, draftOf([command('one', 'false')], { undo })));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.deepEqual([result.undo.state, ...bed.effects()], ['done', 'start z.service']);
});

test('when a step takes longer than it may, it is ended and counts as failed', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([{ ...command('one', 'sleep', '30'), timeout_ms: 150 }])));
  watched.runner.accept(signed, 0);
  const result = await watched.result(signed.grant.actionId);
  assert.equal(result.steps[0]?.state, 'failed');
  assert.match(result.steps[0]?.summary ?? '', /longer/);
});

test('F19: when an action is stopped, its present step is ended by force, nothing is undone, and the result says what ran', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const pidFile = join(bed.folder, 'pid');
  const stubborn = command('two', 'sh', '-c', `trap '' TERM; echo $$ >${pidFile}; while :; do sleep 0.1; done`);
  const steps = [start('one', 'a.service'), stubborn, start('three', 'c.service')];
  const signed = grantOf(bed, await planOf(bed, draftOf(steps)));
  const { actionId } = signed.grant;
  watched.runner.accept(signed, 0);
  const pid = Number(await until(() => readOrNothing(pidFile), 'the step to run'));
  watched.runner.stop(actionId);
  const result = await watched.result(actionId);
  assert.equal(result.outcome, 'stopped');
  assert.deepEqual(
    result.steps.map(({ state }) => state),
    ['done', 'stopped', 'skipped'],
  );
  assert.match(result.summary, /What ran already stays: one\. Ended in the middle: two\./);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.deepEqual(bed.effects(), ['start a.service']);
});

test('when two actions work on the same unit, the second is refused while the first is under way', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const long = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service'), command('wait', 'sleep', '30')])));
  watched.runner.accept(long, 0);
  await until(() => bed.effects().length > 0, 'the first to be under way');
  const second = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  watched.runner.accept(second, 0);
  assert.equal(codeOf(await watched.ending(second.grant.actionId)), 'target_busy');
  watched.runner.stop(long.grant.actionId);
});

test('when the policy of the server does not allow it, a grant is refused with what the policy says', async () => {
  const cases: [policy: string, code: string][] = [
    ['', 'server_observe_only'],
    ['mode: observe\n', 'server_observe_only'],
    ['mode: act\nmax_risk: low\n', 'server_policy_denies'],
    ['mode: act\nunits: {deny: ["a.*"]}\n', 'server_policy_denies'],
    ['mode: act\napprovals: {at_least: 2}\n', 'approvals_insufficient'],
    ['mode: act\napprovals: {at_least: 1, strength: passkey}\n', 'approvals_insufficient'],
    [lockedPolicy, 'approvals_insufficient'],
    ['mode: act\nunknown: 1\n', 'server_policy_denies'],
  ];
  for (const [policy, code] of cases) {
    using bed = makeBed();
    const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
    using strict = makeBed(policy, { key: bed.key });
    await using watched = new Watched(strict);
    watched.runner.accept(signed, 0);
    assert.equal(codeOf(await watched.ending(signed.grant.actionId)), code, policy);
    assert.deepEqual(strict.effects(), []);
  }
});

test('when a grant is forged, expired or comes with a wrong clock, it is refused and the journal takes no intent', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const plan = await planOf(bed, draftOf([start('one', 'a.service')]));
  const good = grantOf(bed, plan);
  const forged = { ...grantOf(bed, plan), signature: good.signature };
  const expired = grantOf(bed, plan, { issuedAt: Date.now() - 200_000, expiresAt: Date.now() - 80_000 });
  const skewed = grantOf(bed, plan);
  watched.runner.accept(forged, 0);
  watched.runner.accept(expired, 0);
  watched.runner.accept(skewed, 90_000);
  const codes = [];
  for (const { grant } of [forged, expired, skewed]) codes.push(codeOf(await watched.ending(grant.actionId)));
  assert.deepEqual(codes, ['grant_invalid', 'grant_expired', 'clock_skew']);
  assert.deepEqual(bed.effects(), []);
  assert.equal(watched.journal.find(forged.grant.actionId), undefined, 'a forged grant cannot use up a real id');
  // What was refused for its time stays refused: its answer is known.
  watched.runner.accept(skewed, 0);
  assert.equal(watched.reports(skewed.grant.actionId).length, 2);
  assert.deepEqual(bed.effects(), []);
});

test('when a grant carries no approval and nobody here asks for one, it runs', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])), { approvals: [] });
  watched.runner.accept(signed, 0);
  assert.equal((await watched.result(signed.grant.actionId)).outcome, 'succeeded');
});

test('when a link attaches, it is told the reports that no link has stored, with their output, and no others', async () => {
  using bed = makeBed();
  const done = grantOf(bed, await planOf(bed, draftOf([command('one', 'echo', 'kept')])));
  const open = grantOf(bed, await planOf(bed, draftOf([command('one', 'echo', 'not kept')])));
  {
    await using first = new Watched(bed);
    for (const signed of [done, open]) {
      first.runner.accept(signed, 0);
      await first.ending(signed.grant.actionId);
    }
    for (const report of ['started', 'finished'] as const) first.runner.kept(done.grant.actionId, report);
    first.runner.kept(open.grant.actionId, 'started');
  }
  await using second = new Watched(bed);
  assert.deepEqual(
    second.told.map(({ type }) => type),
    ['output', 'report'],
  );
  assert.equal(second.output(open.grant.actionId), 'not kept\n');
  assert.equal(second.reports(done.grant.actionId).length, 0);
});

test('when the preview is asked for, the policy is asked first and secrets do not leave', async () => {
  using bed = makeBed();
  const secretFile = join(bed.folder, 'app.env');
  writeFileSync(secretFile, '# comment\nexport PIN="verysecret"\nSHORT=abc\n');
  writeFileSync(bed.policyFile, `mode: act\nsecrets_from: [${secretFile}]\n`);
  await using watched = new Watched(bed);
  const { signal } = new AbortController();
  const made = await watched.runner.preview(draftOf([start('one', 'verysecret.service')]), 5000, signal);
  assert.deepEqual(made.steps[0]?.effects, ['starts [redacted].service']);
  assert.deepEqual(made.steps[0]?.argv, [['start', 'verysecret.service']], 'what runs is shown as it is');
  writeFileSync(bed.policyFile, 'mode: act\n');
  await assert.rejects(watched.runner.preview(draftOf([command('one', 'ls')]), 5000, signal), {
    code: 'commands_disabled',
  });
});

test('when an observation takes too long or its parameters do not fit, it ends with the fault that says so', async () => {
  using bed = makeBed();
  await using watched = new Watched(bed);
  const { signal } = new AbortController();
  const slow = { capability: 'disk.free', parameters: { path: '/slow' }, timeoutMs: 50 } as const;
  await assert.rejects(watched.runner.observe(slow, signal), { code: 'agent_timeout' });
  const wrong = { capability: 'disk.free', parameters: { path: '../etc', argv: ['rm'] }, timeoutMs: 50 } as const;
  await assert.rejects(watched.runner.observe(wrong, signal), { code: 'invalid_input' });
});

test('when an approval came by a channel that does not count here, it is as if it were not there', async () => {
  using bed = makeBed('mode: act\nmax_risk: critical\napprovals: {at_least: 1, channels: [web]}\n');
  await using watched = new Watched(bed);
  const plan = await planOf(bed, draftOf([start('one', 'a.service')]));
  const byTelegram = grantOf(bed, plan);
  const byWeb = grantOf(bed, plan, (digest) => ({
    approvals: [approvalOf(digest, { channel: 'web', strength: 'session' })],
  }));
  watched.runner.accept(byTelegram, 0);
  assert.equal(codeOf(await watched.ending(byTelegram.grant.actionId)), 'approvals_insufficient');
  watched.runner.accept(byWeb, 0);
  assert.equal((await watched.result(byWeb.grant.actionId)).outcome, 'succeeded');
});

function readOrNothing(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

test('F10: when the journal cannot be written, no change begins, the refusal is told, and reading goes on', async () => {
  using bed = makeBed();
  const signed = grantOf(bed, await planOf(bed, draftOf([start('one', 'a.service')])));
  writeFileSync(join(bed.ports.stateDir, 'journal.ndjson'), 'not a journal\n');
  await using watched = new Watched(bed);
  watched.runner.accept(signed, 0);
  assert.equal(codeOf(await watched.ending(signed.grant.actionId)), 'journal_unwritable');
  assert.deepEqual(bed.effects(), []);
  const { signal } = new AbortController();
  const reading = { capability: 'unit.state', parameters: { unit: 'a' }, timeoutMs: 1000 } as const;
  assert.equal(((await watched.runner.observe(reading, signal)) as { active_state: string }).active_state, 'inactive');
});
