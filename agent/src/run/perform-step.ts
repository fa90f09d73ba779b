/** Carries out one step, at most once: the intent is durable before it begins, the outcome before anything follows. */
import {
  type ChangeId,
  capability,
  Fault,
  fault,
  invalidInput,
  type Json,
  type PlanStep,
  redact,
  type StepOutcome,
  type StepResult,
  shorten,
  stripControl,
} from '@countersign/protocol';
import type { ChangeContext, Changer, ObserveContext } from '../capabilities/capability.ts';
import { failPoint } from '../fail-points.ts';
import { bounded, TimeIsUp } from './bounded.ts';
import { NobodyConfirmed } from './confirm.ts';
import type { Phase } from './journal-index.ts';
import { changeContext, type Run, rememberedSteps, StopAsked, skipped } from './run.ts';

/** What is killed may take this long to be gone. After it nobody can say how the step ended. */
const PATIENCE_MS = 30_000;
const REMEMBER_MS = 60_000;
const SUMMARY_MAX = 500;

/** Thrown when a step could not be ended: what it did and still does is not known. */
export class StepLost extends Error {
  override readonly name = 'StepLost';
}

/** A changer with its parameter types widened: parameters are parsed by the schema of its own capability. */
interface AnyChanger {
  readonly predictable: boolean;
  readonly undoAgain?: boolean;
  preview(parameters: never, context: ObserveContext): ReturnType<Changer['preview']>;
  remember?(parameters: never, context: ChangeContext): Promise<Json>;
  perform(parameters: never, memory: Json, context: ChangeContext): Promise<StepResult>;
  undo?(parameters: never, memory: Json, context: ChangeContext): Promise<StepResult>;
  irreversible?(parameters: never, memory: Json): boolean;
  recover?(parameters: never, memory: Json, context: ChangeContext): Promise<StepResult | null>;
}

/** The changer of a step and its parameters, parsed. Throws the fault `invalid_input`. */
export function changerOf(run: Pick<Run, 'ports'>, step: Pick<PlanStep, 'capability' | 'parameters'>) {
  const changer = run.ports.changers[step.capability as ChangeId] as unknown as AnyChanger;
  const parsed = capability(step.capability).parameters.safeParse(step.parameters);
  if (!parsed.success) throw invalidInput(parsed.error);
  return { changer, parameters: parsed.data as never };
}

/**
 * Performs a step. Never rejects for what the step did: a failure is an outcome. `began` is false when not even its intent
 * was written, so that there is nothing to undo. Rejects with {@link StepLost} only.
 */
export async function performStep(
  run: Run,
  step: PlanStep,
  phase: Phase,
): Promise<{ outcome: StepOutcome; began: boolean }> {
  const signal = phase === 'run' ? run.stop : NEVER;
  const earlier = rememberedSteps(run);
  run.tell(step.id, phase === 'run' ? 'running' : 'undoing');
  run.output.begin(step.id);
  try {
    const { changer, parameters } = changerOf(run, step);
    failPoint('run.step.before_memory');
    const memory = await bounded(run.ports.clock, REMEMBER_MS, signal, PATIENCE_MS, async (bound) =>
      changer.remember ? changer.remember(parameters, changeContext(run, step.id, earlier, bound)) : null,
    );
    await intend(run, step.id, phase, memory);
    const outcome = await timed(run, step.id, step.timeout_ms, signal, (bound) =>
      changer.perform(parameters, memory, changeContext(run, step.id, earlier, bound)),
    );
    failPoint('run.step.after_perform');
    noteOutcome(run, phase, outcome);
    return { outcome, began: true };
  } catch (error) {
    if (error instanceof StepLost) throw error;
    return { outcome: notBegun(run, step.id, error), began: false };
  }
}

/** Writes down that a step is about to begin. On disk when it resolves, with the intent of the action. Rejects with `journal_unwritable`. */
export async function intend(run: Run, step: string, phase: Phase, memory: Json): Promise<void> {
  const entry = { kind: 'step_intent', actionId: run.actionId, step, phase, memory: memory as never } as const;
  run.journal.append(entry, { sync: false });
  await run.journal.durable();
}

/** Times one piece of a step's work and makes an outcome of however it ends. */
export async function timed(
  run: Run,
  step: string,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<StepResult>,
): Promise<StepOutcome> {
  const { clock } = run.ports;
  const startedAt = clock.now();
  let abandoned = true;
  try {
    const result = await bounded(clock, ms, signal, PATIENCE_MS, async (bound) => {
      try {
        return await work(bound);
      } finally {
        abandoned = false;
      }
    });
    run.output.end();
    const state = result.exit_code === 0 || result.exit_code === null ? 'done' : 'failed';
    return {
      step,
      state,
      exitCode: result.exit_code,
      startedAt,
      finishedAt: clock.now(),
      summary: sentence(run, result.summary),
    };
  } catch (error) {
    run.output.end();
    if (abandoned) throw new StepLost(`step ${step} did not end after it was told to`, { cause: error });
    const state = error instanceof StopAsked ? 'stopped' : 'failed';
    return {
      step,
      state,
      exitCode: null,
      startedAt,
      finishedAt: clock.now(),
      summary: sentence(run, sayWhy(run, error)),
    };
  }
}

/** Writes down how a step ended. A journal that cannot be written does not undo what was done: the run goes on and says so. */
export function noteOutcome(run: Run, phase: Phase, outcome: StepOutcome): void {
  try {
    const entry = { kind: 'step_result', actionId: run.actionId, step: outcome.step, phase, outcome } as const;
    run.journal.append(entry, { sync: !isLast(run, phase, outcome) });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    run.ports.log.error('journal.unwritable', { actionId: run.actionId, step: outcome.step, error });
  }
}

/** Whether nothing comes between this outcome and the result of the action: one sync is enough for both lines. */
function isLast({ plan, confirmation }: Run, phase: Phase, { step, state }: StepOutcome): boolean {
  const ends = phase === 'run' && state === 'done' && plan.steps.at(-1)?.id === step;
  return ends && plan.check.probes.length === 0 && confirmation === null;
}

const NEVER = new AbortController().signal;

function notBegun(run: Run, step: string, error: unknown): StepOutcome {
  if (error instanceof StopAsked) return skipped(step, 'Stopped before it began.');
  return { ...skipped(step, sentence(run, `It was not begun: ${sayWhy(run, error)}`)), state: 'failed' };
}

function sayWhy(run: Run, error: unknown): string {
  if (error instanceof StopAsked) return 'Stopped: its processes were ended.';
  if (error instanceof NobodyConfirmed) return 'It was ended because the time to confirm was over.';
  if (error instanceof TimeIsUp) return `It was ended because it took longer than ${Math.round(error.ms / 1000)} s.`;
  if (error instanceof Fault) return messageHere(run, error);
  run.ports.log.error('defect', {
    actionId: run.actionId,
    error,
    stack: error instanceof Error ? error.stack : undefined,
  });
  return 'It failed for a reason that only the log of the runner tells.';
}

/** What a fault says. Capabilities do not know the name of their server, so it is filled in here. */
export function messageHere(run: Pick<Run, 'ports'>, { code, slots }: Fault): string {
  return fault(code, { server: run.ports.serverName, ...slots }).message;
}

/** A sentence for people, from whatever a capability or the system said. */
export function sentence(run: Pick<Run, 'policy'>, text: string): string {
  const line = stripControl(text).replace(/\s+/g, ' ').trim();
  return shorten(redact(line, run.policy.secretValues).text, SUMMARY_MAX);
}
