/** Takes a plan back, once: by its own undo steps, or by the undo of each step that was begun, last first. */
import { type ActionResult, Fault, type PlanStep, type StepOutcome } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import { changerOf, intend, messageHere, noteOutcome, performStep, sentence, timed } from './perform-step.ts';
import { changeContext, type Run, rememberedSteps, skipped, undoName } from './run.ts';

type Undo = ActionResult['undo'];

export const NOT_NEEDED: Undo = { state: 'not_needed', steps: [] };

/**
 * Undoes what was begun; what was already undone before a crash (`done`) is not undone again. Rejects with `StepLost` only.
 * The state is `impossible` when a step cannot be taken back, `failed` when taking one back did not work.
 */
export async function undoPlan(run: Run, done: readonly StepOutcome[] = []): Promise<Undo> {
  run.confirmation?.close();
  const begun = rememberedSteps(run).map(({ step }) => step);
  if (begun.length === 0) return NOT_NEEDED;
  const own = run.plan.undo.length === 0;
  const steps = own ? run.plan.steps.filter(({ id }) => begun.includes(id)).reverse() : run.plan.undo;
  const outcomes = [...done];
  for (const step of steps) {
    if (outcomes.some((outcome) => outcome.step === step.id)) continue;
    outcomes.push(own ? await undoStep(run, step) : (await performStep(run, step, 'undo')).outcome);
    if (!own && outcomes.at(-1)?.state === 'failed') break;
  }
  return { state: stateOf(outcomes), steps: outcomes };
}

async function undoStep(run: Run, step: PlanStep): Promise<StepOutcome> {
  const memory = rememberedSteps(run).find((it) => it.step === step.id)?.memory ?? null;
  try {
    const { changer, parameters } = changerOf(run, step);
    if (!changer.undo || changer.irreversible?.(parameters, memory))
      return skipped(step.id, 'This step cannot be taken back.');
    run.tell(step.id, 'undoing');
    failPoint('run.undo.before_intent');
    await intend(run, step.id, 'undo', memory);
    run.output.begin(step.id);
    const undo = changer.undo.bind(changer);
    const outcome = await timed(run, step.id, step.timeout_ms, new AbortController().signal, (signal) =>
      undo(parameters, memory, changeContext(run, undoName(step.id), [], signal)),
    );
    failPoint('run.undo.after_undone');
    noteOutcome(run, 'undo', outcome);
    return outcome;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...skipped(step.id, sentence(run, messageHere(run, error))), state: 'failed' };
  }
}

function stateOf(outcomes: readonly StepOutcome[]): Undo['state'] {
  if (outcomes.some(({ state }) => state === 'failed' || state === 'stopped')) return 'failed';
  return outcomes.some(({ state }) => state === 'skipped') ? 'impossible' : 'done';
}
