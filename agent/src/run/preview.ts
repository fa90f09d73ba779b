/**
 * What a plan would do here, found out by reading only, before anybody is asked: exact argv, diffs, what the undo is, and
 * the facts that it rests on. The same function looks again right before the start, so that drift shows.
 */
import { fault, type PlanDraft, type Preview, redactValue, type StepPreview } from '@countersign/protocol';
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

/** How the state differs from the one that was approved, every difference in one sentence; empty when it does not. */
export function driftBetween(approved: Preview, found: Preview): string[] {
  const then = factsOf(approved);
  const now = factsOf(found);
  const changed = [...then].flatMap(([name, value]) => {
    const present = now.get(name);
    if (present === undefined) return [`${name} cannot be read any more`];
    return present === value ? [] : [`${name} changed from ${value} to ${present}`];
  });
  const added = [...now].flatMap(([name, value]) => (then.has(name) ? [] : [`${name}, now ${value}, was not there`]));
  return [...changed, ...added, ...stepsThatDiffer(approved, found), ...foretoldOtherwise(approved, found)];
}

/** A control plane must not show what nobody can foretell as if somebody could. */
function foretoldOtherwise(approved: Preview, found: Preview): string[] {
  if (found.predictable) return [];
  const words = ({ steps }: Preview) => JSON.stringify(steps.map(({ effects }) => effects));
  if (!approved.predictable && words(approved) === words(found)) return [];
  return ['what it does cannot be predicted, and other effects were shown'];
}

/** Each fact by its name, its value as text. */
const factsOf = ({ witness }: Preview) =>
  new Map(witness.map(({ subject, property, value }) => [`${property} of ${subject}`, JSON.stringify(value)]));

function stepsThatDiffer(approved: Preview, found: Preview): string[] {
  const now = new Map(found.steps.map((step) => [step.step, step]));
  const shown = new Set(approved.steps.map(({ step }) => step));
  const unseen = [...now.keys()].flatMap((step) => (shown.has(step) ? [] : [`what step ${step} does was not shown`]));
  const differ = approved.steps.flatMap(({ step, argv, diff, undo }) => {
    const present = now.get(step);
    if (present === undefined) return [`step ${step} is not there any more`];
    const words = JSON.stringify(argv);
    const presentWords = JSON.stringify(present.argv);
    return [
      ...(words === presentWords ? [] : [`step ${step} would start ${presentWords}, and ${words} was shown`]),
      ...(diff === present.diff ? [] : [`step ${step} would write something else than was shown`]),
      ...(undo === present.undo ? [] : [`step ${step} would be taken back otherwise than was shown`]),
    ];
  });
  return [...differ, ...unseen];
}
