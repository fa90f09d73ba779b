/**
 * Carries out a plan whose intent is in the journal. Read `runPlan` as the contents page of what a server does:
 * look again, arm, start, steps, check, wait for a human where one has to confirm, undo once, result.
 */
import { type ActionResult, Fault, fault, type StepOutcome, shorten } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import { checkPlan, preconditionsUnmet, probeOnce, readBefore } from './check-plan.ts';
import { arm, awaitConfirmation, NobodyConfirmed } from './confirm.ts';
import type { Before } from './journal-entries.ts';
import type { ActionRecord } from './journal-index.ts';
import { performStep, StepLost, sentence } from './perform-step.ts';
import { driftBetween, preview } from './preview.ts';
import { type Run, StopAsked, skipped } from './run.ts';
import { NOT_NEEDED, undoPlan } from './undo-plan.ts';

const LOOK_AGAIN_MS = 60_000;

/** How an action ended here: not begun, or with a result. */
export type Ending = { readonly refused: Fault } | { readonly result: ActionResult };

/** From the intent to the ending. Rejects only for defects. `onStarted` is called when the first step is about to begin. */
export async function runPlan(run: Run, onStarted: () => void): Promise<Ending> {
  const startedAt = run.ports.clock.now();
  const looked = await lookAgain(run);
  failPoint('run.second_look.after');
  if ('refused' in looked) return looked;
  const refused = await arm(run);
  if (refused !== null) return { refused };
  run.journal.append({ kind: 'started', actionId: run.actionId, before: looked.before }, { sync: false });
  onStarted();
  return { result: await carryOn(run, startedAt, []) };
}

/**
 * Goes on after the steps in `done`: the remaining steps, the check, and the undo if one is needed. Also where a runner
 * comes in that takes over after a crash.
 */
export async function carryOn(run: Run, startedAt: number, done: readonly StepOutcome[]): Promise<ActionResult> {
  const steps = [...done];
  try {
    return await goOn(run, startedAt, steps);
  } catch (error) {
    if (error instanceof StepLost) return lost(run, startedAt, steps, error.message);
    throw error;
  }
}

async function goOn(run: Run, startedAt: number, steps: StepOutcome[]): Promise<ActionResult> {
  let check: ActionResult['check'] = null;
  try {
    await performSteps(run, steps);
    // A runner that takes over while a human is asked has no more to check.
    const checked = run.confirmation?.stage === 'confirming' || run.confirmation?.stage === 'confirmed';
    check = isDone(steps) && !checked ? await checkPlan(run) : null;
    if (run.confirmation !== null && isDone(steps) && check?.passed !== false)
      await awaitConfirmation(run, run.confirmation);
    return await conclude(run, startedAt, steps, check);
  } catch (error) {
    if (error instanceof NobodyConfirmed) return await unconfirmed(run, startedAt, steps, check);
    if (error instanceof StopAsked) return await stopped(run, startedAt, steps);
    throw error;
  }
}

/** Ends an action whose steps and check are over: undoes it unless all is as it should be. */
export async function conclude(
  run: Run,
  startedAt: number,
  steps: readonly StepOutcome[],
  check: ActionResult['check'],
  undone: readonly StepOutcome[] = [],
): Promise<ActionResult> {
  const failed = steps.find(({ state }) => state === 'failed');
  if (failed === undefined && isDone(steps) && check?.passed !== false)
    return resultOf(run, startedAt, 'succeeded', succeededSentence(run, steps, check), { steps, check });
  if (steps.some(({ state }) => state === 'stopped') || run.stop.reason instanceof StopAsked)
    return stopped(run, startedAt, steps, undone);
  const why = failed ? `Step ${failed.step} failed: ${failed.summary}` : whyUnchecked(steps, check);
  const undo = await undoPlan(run, undone);
  return resultOf(run, startedAt, 'failed', why, { steps, check, undo });
}

/** The result of an action that nobody confirmed in time: everything is taken back, once. */
export async function unconfirmed(
  run: Run,
  startedAt: number,
  steps: readonly StepOutcome[],
  check: ActionResult['check'],
  undone: readonly StepOutcome[] = [],
): Promise<ActionResult> {
  const seconds = Math.round((run.plan.confirm?.within_ms ?? 0) / 1000);
  const why = `Nobody confirmed within ${seconds} s that the server can still be reached.`;
  return resultOf(run, startedAt, 'failed', why, { steps, check, undo: await undoPlan(run, undone) });
}

/**
 * The result of an action when nobody can say how a step ended: what the state is now is read and told, nothing is tried
 * again. What could have locked everybody out is taken back all the same, unless that itself is what was cut off.
 */
export async function lost(
  run: Run,
  startedAt: number,
  steps: readonly StepOutcome[],
  why: string,
): Promise<ActionResult> {
  const undo = mustReturn(run) && !undoBegun(run) ? await undoPlan(run) : NOT_NEEDED;
  const check = await probeOnce(run);
  const now =
    check === null
      ? ''
      : check.passed
        ? ' The state now is as the plan wanted it.'
        : ' The state now is not as the plan wanted it.';
  return resultOf(run, startedAt, 'unknown', `It is not known how it ended: ${why}.${now}`, { steps, check, undo });
}

/** The steps of a record in the order of the plan; those that were not begun are `skipped`. */
export function outcomesSoFar(run: Run, record: ActionRecord | undefined): StepOutcome[] {
  return run.plan.steps.flatMap(({ id }) => {
    const outcome = record?.steps.find((it) => it.phase === 'run' && it.step === id)?.outcome;
    return outcome ? [outcome] : [];
  });
}

/** Whether everything is still as it was approved, and what the check compares with later. */
async function lookAgain(run: Run): Promise<{ readonly refused: Fault } | { readonly before: Before[] }> {
  try {
    const unmet = await preconditionsUnmet(run);
    if (unmet.length > 0) return { refused: fault('precondition_failed', { reason: unmet.join('; ') }) };
    const found = await preview(run.ports, run.policy, run.plan, LOOK_AGAIN_MS, run.stop);
    const drift = driftBetween(run.plan.preview, found);
    if (drift.length > 0) return { refused: drifted(drift.map((difference) => sentence(run, difference))) };
    return { before: await readBefore(run) };
  } catch (error) {
    if (error instanceof StopAsked)
      return { refused: fault('precondition_failed', { reason: 'it was stopped before it began' }) };
    if (error instanceof Fault) return { refused: error };
    throw error;
  }
}

/** The reason names the first few differences; `differences` holds all that have room, one a line, for who is asked again. */
function drifted(differences: readonly string[]): Fault {
  const more = differences.length - DIFFERENCES_SAID;
  const reason = differences.slice(0, DIFFERENCES_SAID).join('; ') + (more > 0 ? `; and ${more} more` : '');
  return fault('state_drifted', { reason, differences: shorten(differences.join('\n'), DIFFERENCES_MAX) });
}

const DIFFERENCES_SAID = 5;
const DIFFERENCES_MAX = 2000;

async function performSteps(run: Run, steps: StepOutcome[]): Promise<void> {
  for (const step of run.plan.steps) {
    if (steps.some((outcome) => outcome.step === step.id)) continue;
    if (run.stop.aborted) steps.push(skipped(step.id, whyStopped(run)));
    else if (steps.some(({ state }) => state !== 'done'))
      steps.push(skipped(step.id, 'Not begun, since a step before it failed.'));
    else {
      if (steps.length > 0) failPoint('run.step.before_next');
      steps.push((await performStep(run, step, 'run')).outcome);
    }
  }
}

const whyStopped = (run: Run) =>
  run.stop.reason instanceof NobodyConfirmed ? 'Not begun: the time to confirm is over.' : 'Stopped before it began.';

const isDone = (steps: readonly StepOutcome[]) => steps.every(({ state }) => state === 'done');

/** Whether what was done must not stay unless a human confirms it, and nobody has. */
const mustReturn = ({ confirmation }: Run) => confirmation !== null && confirmation.stage !== 'confirmed';

const undoBegun = (run: Run) => run.journal.find(run.actionId)?.steps.some(({ phase }) => phase === 'undo') === true;

/** A stop leaves what ran already, but for what could have locked everybody out: to stop is not to confirm. */
async function stopped(
  run: Run,
  startedAt: number,
  steps: readonly StepOutcome[],
  undone: readonly StepOutcome[] = [],
): Promise<ActionResult> {
  const undo = mustReturn(run) ? await undoPlan(run, undone) : NOT_NEEDED;
  const ran = steps.filter(({ state }) => state === 'done').map(({ step }) => step);
  const cut = steps.filter(({ state }) => state === 'stopped').map(({ step }) => step);
  const said = [
    ran.length === 0
      ? 'No step had finished.'
      : `What ran already ${undo === NOT_NEEDED ? 'stays' : 'is not kept, since nobody confirmed it'}: ${ran.join(', ')}.`,
    cut.length > 0 ? `Ended in the middle: ${cut.join(', ')}.` : '',
  ];
  return resultOf(run, startedAt, 'stopped', `Stopped. ${said.join(' ')}`, { steps, check: null, undo });
}

function resultOf(
  run: Run,
  startedAt: number,
  outcome: ActionResult['outcome'],
  said: string,
  parts: { steps: readonly StepOutcome[]; check: ActionResult['check']; undo?: ActionResult['undo'] },
): ActionResult {
  return {
    outcome,
    summary: sentence(run, said),
    steps: [...parts.steps],
    check: parts.check,
    undo: parts.undo ?? NOT_NEEDED,
    startedAt,
    finishedAt: run.ports.clock.now(),
    journalHead: run.journal.head,
  };
}

function succeededSentence(run: Run, steps: readonly StepOutcome[], check: ActionResult['check']): string {
  const last = steps.at(-1)?.summary ?? '';
  if (run.confirmation !== null)
    return `${last === '' ? 'Done.' : last} A human confirmed that the server can still be reached.`;
  return `${last === '' ? 'Done.' : last} ${check === null ? 'There is nothing to check afterwards.' : 'The check passed.'}`;
}

function whyUnchecked(steps: readonly StepOutcome[], check: ActionResult['check']): string {
  const reading = check?.readings.findLast(({ passed }) => !passed);
  if (reading) return `The check failed: ${reading.capability}: ${reading.said}.`;
  const missing = steps.find(({ state }) => state === 'skipped');
  return missing ? `Step ${missing.step} was not begun: ${missing.summary}` : 'The check failed.';
}
