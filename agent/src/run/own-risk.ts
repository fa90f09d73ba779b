/** How much harm a plan can do here: the table's risk, and what the owner declared of own commands. Pure. */
import { highestRisk, type Json, type PlanDraft, type PlanStep, planRisk, type Risk } from '@countersign/protocol';
import type { OwnCommand } from '@countersign/protocol/own-command';
import { type LocalPolicy, ownCommandsOf } from './local-policy.ts';

/**
 * The highest of what the plan says itself, of everything that it may run, and of what the owner declared of the commands in it. What
 * this server counts by, for its own limit and for the signatures of its lock.
 */
export function riskHere(
  policy: Pick<LocalPolicy, 'commands'>,
  plan: Pick<PlanDraft, 'risk' | 'steps' | 'undo'>,
): Risk {
  const declared = [...plan.steps, ...plan.undo].flatMap((step) => ownCommandOf(policy, step)?.risk ?? []);
  return highestRisk([planRisk(plan), ...declared]);
}

/** The command of the owner that a step runs, whether by its name or word for word. */
export function ownCommandOf(
  policy: Pick<LocalPolicy, 'commands'>,
  { capability, parameters }: Pick<PlanStep, 'capability' | 'parameters'>,
): OwnCommand | undefined {
  const own = ownCommandsOf(policy);
  if (isOwn(capability)) return own.find(({ name }) => name === parameters.name);
  if (capability !== 'command.run') return undefined;
  // A word such as {{name}} stands for a value: such a command is asked for by its name alone.
  return own.find(
    ({ argv, parameters: declared }) => Object.keys(declared).length === 0 && sameWords(argv, parameters.argv),
  );
}

/** Whether a capability runs commands of the owner by name. */
export function isOwn(capability: string): boolean {
  return capability.startsWith('local.');
}

function sameWords(a: readonly string[], b: Json | undefined): boolean {
  return Array.isArray(b) && a.length === b.length && a.every((word, index) => word === b[index]);
}
