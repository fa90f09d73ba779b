/** Which step the runner is at. */
import type { Plan } from '@countersign/protocol';
import { serverById } from '../fleet/server.store.ts';
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

export interface StepReport extends Pick<CurrentStep, 'step' | 'phase'> {
  readonly actionId: string;
  /** With `confirming`: when the server takes everything back, by its own clock, milliseconds since 1970. */
  readonly until?: number | undefined;
}

/** Idempotent; changes nothing unless the action runs. Rejects with `action_not_found` for an action of another server. */
export function recordStep(
  deps: RecordDeps,
  serverId: string,
  { actionId, step, phase, until }: StepReport,
): Promise<void> {
  return commitOrRefuse(deps.db, 'actions.record_step', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'step');
    if (row instanceof Refusal) return row;
    if (row.state !== 'running') return;
    const current: CurrentStep = { step, phase, at: deps.clock.now() };
    const offset = (await serverById(trx, serverId))?.clock_offset_ms ?? 0;
    const { confirm } = JSON.parse(row.plan_json) as Plan;
    const waits = phase === 'confirming' && until !== undefined && confirm;
    await updateActionIn(trx, actionId, 'running', {
      current_step_json: JSON.stringify(current),
      // Never longer than the plan says: a server that names a far day would keep its action open for ever.
      confirm_by: waits ? Math.min(until - offset, current.at + confirm.within_ms) : null,
    });
    tellAfterCommit(deps, trx, row);
  });
}
