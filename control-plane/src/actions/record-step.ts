/** Which step the runner is at. */

import { updateActionIn } from './action.store.ts';
import { tellAfterCommit } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { ownAction } from './own-action.ts';
import type { RecordDeps } from './record-started.ts';

export interface CurrentStep {
  readonly step: string;
  readonly phase: 'running' | 'checking' | 'confirming' | 'undoing';
  /** When the report came, by our clock. */
  readonly at: number;
}

/** Idempotent; changes nothing unless the action runs. Rejects with `action_not_found` for an action of another server. */
export function recordStep(
  deps: RecordDeps,
  serverId: string,
  { actionId, step, phase }: { readonly actionId: string } & Pick<CurrentStep, 'step' | 'phase'>,
): Promise<void> {
  return commitOrRefuse(deps.db, async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'step');
    if (row instanceof Refusal) return row;
    if (row.state !== 'running') return;
    const current: CurrentStep = { step, phase, at: deps.clock.now() };
    await updateActionIn(trx, actionId, 'running', { current_step_json: JSON.stringify(current) });
    tellAfterCommit(deps, trx, row);
  });
}
