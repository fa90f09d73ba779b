/**
 * After a crash: actions whose intent is in the journal without a result. A step is never run again. What a transient unit
 * or the disk can still tell is found out; then the action goes on with its check, is taken back, or is reported as unknown.
 * Source: threats.md, semantics, F4 to F6.
 */
import { fault, type StepOutcome } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import type { ActionRecord, StepRecord } from './journal-index.ts';
import { changerOf, noteOutcome, StepLost, timed } from './perform-step.ts';
import { changeContext, type Run, rememberedSteps, StopAsked, skipped, undoName } from './run.ts';
import { carryOn, conclude, type Ending, lost, outcomesSoFar, unconfirmed } from './run-plan.ts';

/** Brings an open action to its end. Rejects only for defects. */
export async function recover(run: Run, record: ActionRecord): Promise<Ending> {
  if (record.steps.length === 0 && record.started === null)
    return {
      refused: fault('precondition_failed', { reason: 'the runner ended before the first step, and nothing was done' }),
    };
  const startedAt = record.started?.at ?? run.ports.clock.now();
  await keepArmed(run);
  failPoint('run.recover.before_settling');
  try {
    return { result: await settle(run, record, startedAt) };
  } catch (error) {
    if (!(error instanceof StepLost)) throw error;
    return { result: await lost(run, startedAt, outcomesSoFar(run, run.journal.find(run.actionId)), error.message) };
  }
}

async function settle(run: Run, record: ActionRecord, startedAt: number) {
  const cut = record.steps.find(({ outcome }) => outcome === null);
  if (cut !== undefined && !(await undoneAgain(run, cut))) {
    const outcome = await findOut(run, cut);
    if (outcome === null) return lost(run, startedAt, outcomesSoFar(run, record), whyLost(run, record, cut));
    failPoint('run.recover.after_finding');
    noteOutcome(run, cut.phase, outcome);
  }
  const now = run.journal.find(run.actionId) ?? record;
  const steps = withSkipped(run, outcomesSoFar(run, now));
  const undone = now.steps.flatMap((step) => (step.phase === 'undo' && step.outcome ? [step.outcome] : []));
  if (!now.steps.some(({ phase }) => phase === 'undo')) return carryOn(run, startedAt, steps);
  if (record.armed?.confirming && !(run.stop.reason instanceof StopAsked))
    return unconfirmed(run, startedAt, steps, null, undone);
  // Steps that are all done were taken back because of their check; after one that failed there was none.
  const check = steps.every(({ state }) => state === 'done') ? { passed: false, readings: [] } : null;
  return conclude(run, startedAt, steps, check, undone);
}

/** The machine's timer is gone after a reboot. */
async function keepArmed({ confirmation, ports, actionId, plan }: Run): Promise<void> {
  if (confirmation?.stage !== 'armed' && confirmation?.stage !== 'confirming') return;
  try {
    // The clock may have been set back meanwhile.
    await ports.deadMan.arm(actionId, Math.min(confirmation.until - ports.clock.now(), plan.confirm?.within_ms ?? 0));
  } catch (error) {
    // This runner still takes it back; going on is the only way to that.
    ports.log.error('revert.not_armed', { actionId, error });
  }
}

/** Whether a step's own undo was cut off that may simply be begun again; what still runs of it is ended. */
async function undoneAgain(run: Run, cut: StepRecord): Promise<boolean> {
  const planned = run.plan.steps.find(({ id }) => id === cut.step);
  if (cut.phase !== 'undo' || run.plan.undo.length > 0 || planned === undefined) return false;
  if (changerOf(run, planned).changer.undoAgain !== true) return false;
  const processes = run.ports.processes(run.actionId, undoName(cut.step));
  await processes.stop();
  await processes.forget();
  return true;
}

const NEVER = new AbortController().signal;

/** How a step ended that was cut off, as far as its unit or the disk tells. */
async function findOut(run: Run, cut: StepRecord): Promise<StepOutcome | null> {
  const planned = [...run.plan.steps, ...run.plan.undo].find(({ id }) => id === cut.step);
  if (planned === undefined) return null;
  const { changer, parameters } = changerOf(run, planned);
  if (!changer.recover) return null;
  // The undo of a step is not what `recover` knows of: its unit is another one.
  if (cut.phase === 'undo' && run.plan.undo.length === 0) return null;
  run.output.begin(cut.step, { again: true });
  const processes = run.ports.processes(run.actionId, cut.step);
  const ended = endOnStop(run, () => processes.stop());
  let known = true;
  const outcome = await timed(run, cut.step, planned.timeout_ms, NEVER, async (signal) => {
    const context = { ...changeContext(run, cut.step, rememberedSteps(run), signal), processes };
    const found = await changer.recover?.(parameters, cut.memory, context);
    known = found !== null && found !== undefined;
    return found ?? { changed: false, exit_code: null, summary: '' };
  });
  ended();
  if (!known) return null;
  return run.stop.aborted && outcome.state !== 'done' ? { ...outcome, state: 'stopped' } : outcome;
}

/** Ends the processes that a stop finds, now or later; returns what takes that back. */
function endOnStop(run: Run, end: () => Promise<void>): () => void {
  const onStop = () => {
    end().catch((error: unknown) => run.ports.log.error('stop.failed', { actionId: run.actionId, error }));
  };
  if (run.stop.aborted) onStop();
  run.stop.addEventListener('abort', onStop, { once: true });
  return () => run.stop.removeEventListener('abort', onStop);
}

function withSkipped(run: Run, outcomes: readonly StepOutcome[]): StepOutcome[] {
  return run.plan.steps.map(
    ({ id }) => outcomes.find(({ step }) => step === id) ?? skipped(id, 'Not begun: the runner ended before it.'),
  );
}

function whyLost(run: Run, record: ActionRecord, cut: StepRecord): string {
  const how = record.bootId === run.ports.bootId ? 'the runner ended' : 'the server was restarted';
  return `${how} in the middle of step ${cut.step}, and nothing tells how it went on`;
}
