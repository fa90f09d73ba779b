/**
 * What a plan would do here, found out by reading only, before anybody is asked: exact argv, diffs, what the undo is, and
 * the facts that it rests on. The same function looks again right before the start, so that drift shows.
 */
import { fault, type Json, type PlanDraft, type Preview, redactValue, type StepPreview } from '@countersign/protocol';
import { bounded, TimeIsUp } from './bounded.ts';
import type { LocalPolicy } from './local-policy.ts';
import { observeContext } from './observe.ts';
import { changerOf } from './perform-step.ts';
import type { RunPorts } from './run-ports.ts';

const PATIENCE_MS = 2000;

/**
 * Makes the preview of a plan's steps, its prose and diffs redacted. Rejects with the fault of the first step that cannot be
 * previewed, `agent_timeout` when it takes longer than `ms`, or the signal's reason.
 */
export async function preview(
  ports: RunPorts,
  policy: LocalPolicy,
  plan: Pick<PlanDraft, 'steps'>,
  ms: number,
  signal: AbortSignal,
): Promise<Preview> {
  try {
    return await bounded(ports.clock, ms, signal, PATIENCE_MS, (bound) => previewSteps(ports, policy, plan, bound));
  } catch (error) {
    throw error instanceof TimeIsUp ? fault('agent_timeout', { seconds: Math.round(ms / 1000) }, error) : error;
  }
}

async function previewSteps(
  ports: RunPorts,
  policy: LocalPolicy,
  plan: Pick<PlanDraft, 'steps'>,
  signal: AbortSignal,
): Promise<Preview> {
  const context = observeContext(ports, policy, signal);
  const made: Preview = { steps: [], witness: [], predictable: true };
  for (const step of plan.steps) {
    const { changer, parameters } = changerOf({ ports }, step);
    const found = await changer.preview(parameters, context);
    made.steps.push({ step: step.id, ...found.preview });
    made.witness.push(...found.witness);
    made.predictable &&= changer.predictable;
    signal.throwIfAborted();
  }
  return { ...made, steps: made.steps.map((step) => withoutSecrets(step, policy.secretValues)) };
}

/** argv and witness are shown as they are: they are what is approved and compared, and the asker knows them already. */
function withoutSecrets(step: StepPreview, secrets: readonly string[]): StepPreview {
  const { diff, effects, undo } = redactValue(
    { diff: step.diff, effects: step.effects, undo: step.undo },
    secrets,
  ).value;
  return { ...step, diff, effects, undo };
}

/** How the state differs from the one that was approved, one sentence each; empty when it does not. */
export function driftBetween(approved: Preview, found: Preview): string[] {
  const now = new Map(found.witness.map((fact) => [`${fact.subject}\n${fact.property}`, fact.value]));
  const facts = approved.witness.flatMap(({ subject, property, value }) => {
    const key = `${subject}\n${property}`;
    if (!now.has(key)) return [`${property} of ${subject} cannot be read any more`];
    const present = now.get(key) as Json;
    return present === value ? [] : [`${property} of ${subject} changed from ${say(value)} to ${say(present)}`];
  });
  if (facts.length > 0) return facts;
  if (now.size !== new Set(approved.witness.map((fact) => `${fact.subject}\n${fact.property}`)).size)
    return ['there is more to it than there was'];
  const shown = JSON.stringify(approved.steps.map(({ step, argv, diff }) => [step, argv, diff]));
  const present = JSON.stringify(found.steps.map(({ step, argv, diff }) => [step, argv, diff]));
  return shown === present ? [] : ['what would be started or written is not what was shown'];
}

const say = (value: Json) => JSON.stringify(value);
