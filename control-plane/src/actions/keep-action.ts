/** Makes an action of a plan: gives it its id and its times, and puts it on record. */
import type { Plan } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import type { Who } from '../audit/ledger.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { openRepeat } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { actionRow, type RequestedBy } from './action-row.ts';
import { beginAction } from './begin-action.ts';
import { playbooksOn } from './playbooks-on.ts';
import type { Prepared } from './prepare-plan.ts';
import { refuseCrowd } from './refuse-crowd.ts';
import { abilitiesOf } from './server-allows.ts';
import { storedPolicy } from './stored-policy.ts';

export interface Proposed {
  readonly actionId: string;
  /** Whether it is the open action of the same request, made earlier. */
  readonly repeated: boolean;
}

/** An action that was refused since the state had drifted, and what changed, in sentences. */
export interface Follows {
  readonly action: string;
  readonly differences: readonly string[];
}

export interface Kept extends Prepared {
  readonly by: RequestedBy;
  readonly who: Who;
  readonly server: ServerRow;
  readonly key: string;
  readonly reason: string | undefined;
  readonly follows?: Follows;
}

/**
 * Looks once more, in the transaction that puts the action on record, since others may have been quicker meanwhile. `besides` is
 * what belongs to the same transaction. Rejects with what `refuseCrowd` says.
 */
export function keepAction(
  deps: ActionDeps,
  kept: Kept,
  besides: (trx: Trx, proposed: Proposed) => Promise<void> = async () => undefined,
): Promise<Proposed> {
  const { db, clock, ids, limits } = deps;
  const { by, server, draft, verdict, inForce, key, follows } = kept;
  return write(db, 'actions.propose', async (trx) => {
    const at = clock.now();
    const earlier = await openRepeat(trx, key, at - limits.repeatMs);
    if (earlier) {
      await besides(trx, { actionId: earlier.id, repeated: true });
      return { actionId: earlier.id, repeated: true };
    }
    await refuseCrowd(deps, trx, by, server.id, draft);
    const id = ids.id('act');
    const decideBy = at + storedPolicy(verdict, inForce.sha256).ask.expiresMs;
    const plan: Plan = { ...draft, request: { action: id, valid_until: decideBy + limits.startWindowMs } };
    const playbooks = playbooksOn(deps.playbooks, abilitiesOf(server));
    const row = actionRow({ playbooks, limits }, { ...kept, plan, id, at, decideBy, digest: digestOf(plan) });
    const { source } = plan;
    await beginAction(deps, trx, {
      row,
      verdict,
      policySha256: inForce.sha256,
      who: kept.who,
      asked: {
        source: source.kind === 'playbook' ? `${source.id} version ${source.version}` : source.kind,
        parameters: plan.parameters,
        argv: plan.preview.steps.flatMap((step) => step.argv),
        ...(follows && { follows: follows.action, differences: [...follows.differences] }),
      },
    });
    await besides(trx, { actionId: id, repeated: false });
    return { actionId: id, repeated: false };
  });
}
