import type { PlanDraft, Preview } from '@countersign/protocol';

/**
 * Whether a plan can be taken back this time: what a playbook can as a rule, a server may find that it cannot now, as where it does
 * not know what was before. Undo steps of the plan's own stand for those of its steps.
 */
export function isReversible(
  { reversible, undo }: Pick<PlanDraft, 'reversible' | 'undo'>,
  { steps }: Preview,
): boolean {
  return reversible && (undo.length > 0 || steps.every((step) => step.undo !== null));
}
