/** Says `unknown` of what was sent and of which there is no news any more. It is never started again. */
import { Fault, isoTime, type Plan } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { serverById } from '../fleet/server.store.ts';
import type { ActionTable } from '../storage/tables.ts';
import { write } from '../storage/write.ts';
import { actionsIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';
import type { CurrentStep } from './record-step.ts';

type Deps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'followers' | 'fleet' | 'limits'>;

/**
 * `watchingSince`: since when this process could have had news, milliseconds since 1970; silence before that means nothing.
 * A server that is offline is waited for `loseAfterMs`; one that is online, or that takes back what locked it out, as long as
 * its plan can take at most.
 */
export async function loseDue(deps: Deps, { watchingSince }: { readonly watchingSince: number }): Promise<void> {
  const now = deps.clock.now();
  for (const row of await actionsIn(deps.db, ['dispatched', 'running'])) {
    const heard = Math.max(watchingSince, lastNews(row), row.confirm_by ?? 0);
    if (now - heard < deps.limits.loseAfterMs) continue; // whatever is found out below, nobody waits for less
    const server = await serverById(deps.db, row.server_id);
    const online = deps.fleet.isOnline(row.server_id);
    const plan = JSON.parse(row.plan_json) as Plan;
    const patience = deps.limits.loseAfterMs + (online || plan.confirm ? longest(plan) : 0);
    const news = Math.max(heard, online ? 0 : (server?.last_seen_at ?? 0));
    if (now - news < patience) continue;
    try {
      await write(deps.db, (trx) =>
        applyTransition(deps, trx, {
          actionId: row.id,
          event: 'lose',
          cause: 'clock',
          who: whoIs('clock'),
          at: now,
          note: `No news of it since ${isoTime(news)}${online ? '' : '; the server is offline'}.`,
        }),
      );
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'action_not_open')) throw error;
    }
  }
}

/** When the control plane last heard of the action, by its own clock. */
function lastNews({ dispatched_at, current_step_json }: ActionTable): number {
  const step = current_step_json === null ? undefined : (JSON.parse(current_step_json) as CurrentStep);
  return Math.max(dispatched_at ?? 0, step?.at ?? 0);
}

/** How long a plan can take at most: every step, both readings of the check, the time to confirm, and everything undone. */
function longest({ steps, undo, check, confirm }: Plan): number {
  const undoing = undo.length > 0 ? undo : steps;
  const stepsMs = [...steps, ...undoing].reduce((sum, step) => sum + step.timeout_ms, 0);
  return (
    stepsMs + 2 * (check.settle_ms + check.stable_ms) + 60_000 * (check.probes.length + 1) + (confirm?.within_ms ?? 0)
  );
}
