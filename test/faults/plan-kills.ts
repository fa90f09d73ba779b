/**
 * The runner alone, killed around what only longer plans have: several steps, the check, the wait for a human, the undo. A real
 * runner and journal on a folder; each step and each undo appends a line to a file that nothing else writes.
 */
import assert from 'node:assert/strict';
import type { Plan, PlanProbe, SignedGrant } from '@countersign/protocol';
import { failPoints } from '../../agent/src/fail-points.ts';
import { type Bed, command, draftOf, grantOf, makeBed, planOf, start, until } from '../../agent/test/run/bed.ts';
import { bundleRunner } from '../../agent/test/run/runner-bundle.ts';
import { RunnerProcess } from '../../agent/test/run/runner-process.ts';

/** The beginnings of the places that are passed here. */
export const planPlaces = [
  'journal.armed',
  'journal.confirming',
  'journal.confirmed',
  'run.step.before_next',
  'run.check.',
  'run.undo.',
  'run.recover.after_finding',
];

const confirm = { within_ms: 20_000, because: 'a test' } as Plan['confirm'];
const unitIs = (unit: string, state: string): PlanProbe => ({
  capability: 'unit.state',
  parameters: { unit },
  expect: { active_state: { is: state } },
});

/** Kills the runner at each place so often; another one has to bring the action to its end. Returns the table. */
export async function killPlans(each: number): Promise<string> {
  await using bundle = await bundleRunner();
  const { program } = bundle;
  await keepCompiled(program);
  const lines: string[] = [];
  for (const name of Object.keys(failPoints).filter((it) => planPlaces.some((beginning) => it.startsWith(beginning)))) {
    const endings: string[] = [];
    for (let kill = 0; kill < each; kill += 1) {
      const torn = kill % 3 === 1 && /^journal.*before_write$/.test(name);
      endings.push(await killOnce(program, name, torn ? 'torn-write' : 'kill'));
    }
    lines.push(`${name}  ${endings.length}  ${endings.join(', ')}`);
  }
  return lines.join('\n');
}

/** What is killed keeps no compiled code for the next: one that ends in order does, and each start after it costs half. */
async function keepCompiled(program: string): Promise<void> {
  using bed = makeBed();
  await using runner = new RunnerProcess(bed, { program });
  await runner.end();
}

async function killOnce(program: string, name: string, act: string): Promise<string> {
  using bed = makeBed();
  const signed = await grantFor(bed, name);
  const { actionId } = signed.grant;
  if (name === 'run.recover.after_finding') await dieInTheStep(program, bed, signed);
  const dying = new RunnerProcess(bed, { program, failPoint: `${name}:${act}` });
  dying.accept(signed);
  if (signed.grant.plan.confirm !== null) confirmWhenAsked(dying, actionId);
  assert.equal(await dying.ended, 'SIGKILL', `the runner was to die at ${name}`);
  await using next = new RunnerProcess(bed, { program });
  // The link hands a grant over again that got no answer.
  next.accept(signed);
  if (signed.grant.plan.confirm !== null) confirmWhenAsked(next, actionId);
  const ending = await next.ending(actionId);
  for (const effect of new Set(bed.effects()))
    assert.equal(bed.effects().filter((it) => it === effect).length, 1, `${effect} happened twice after ${name}`);
  if (ending.kind !== 'finished') {
    assert.deepEqual(bed.effects(), [], `refused after ${name}, with effects`);
    return ending.kind;
  }
  const { outcome, summary, undo } = ending.result;
  assert.ok(summary.length > 10);
  const undone = bed.effects().filter((effect) => effect.startsWith('undo')).length;
  if (outcome === 'succeeded') assert.equal(undone, 0);
  return undo.state === 'not_needed' ? outcome : `${outcome}, undo ${undo.state}`;
}

/** Two steps, a check that fails where the undo is tried, and a human to wait for where that is. */
async function grantFor(bed: Bed, name: string): Promise<SignedGrant> {
  const effects = `${bed.folder}/effects`;
  const first = command('one', 'sh', '-c', `echo "mark $$" >>${effects}`);
  const finds = name === 'run.recover.after_finding';
  const check = {
    probes: [unitIs('a.service', name.startsWith('run.undo') ? 'other' : 'active')],
    settle_ms: 0,
    stable_ms: 5,
  };
  if (finds) check.probes = [unitIs('slow.service', 'active')];
  const steps = finds ? [start('one', 'slow.service')] : [first, start('two', 'a.service')];
  const waits = /^journal\.(armed|confirm)/.test(name);
  return grantOf(bed, await planOf(bed, draftOf(steps, { check, confirm: waits ? confirm : null })));
}

async function dieInTheStep(program: string, bed: Bed, signed: SignedGrant): Promise<void> {
  await using first = new RunnerProcess(bed, { program });
  first.accept(signed);
  await until(() => bed.effects().length === 1, 'the effect');
  await first.kill();
}

function confirmWhenAsked(runner: RunnerProcess, actionId: string): void {
  runner.asked(actionId).then(
    () => runner.confirm(actionId),
    () => undefined,
  );
}
