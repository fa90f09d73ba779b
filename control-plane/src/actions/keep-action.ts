/** Makes an action of a plan: gives it its id and its times, and puts it on record. */
import type { ActionState, Plan } from '@countersign/protocol';
import type { Who } from '../audit/ledger.ts';
import { type ServerRow, serverById } from '../fleet/server.store.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { write } from '../storage/write.ts';
import { openRepeat } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { actionRow, type RequestedBy } from './action-row.ts';
import { beginAction } from './begin-action.ts';
import { dispatchAtOnce, handOver } from './dispatch.ts';
import { askedAfter } from './drift.store.ts';
import { playbooksOn } from './playbooks-on.ts';
import { policyFacts } from './policy-facts.ts';
import type { Prepared } from './prepare-plan.ts';
import { refuseCrowd } from './refuse-crowd.ts';
import { abilitiesOf } from './server-allows.ts';
import { storedPolicy } from './stored-policy.ts';

export interface Proposed {
  readonly actionId: string;
  readonly state: ActionState;
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
 * Looks once more, in the transaction that puts the action on record, since others may have been quicker meanwhile. What policy allows
 * is dispatched in the same one, and its grant leaves once that is on disk. `besides` is what belongs to the same transaction.
 * Rejects with what `refuseCrowd` says.
 */
export async function keepAction(
  deps: ActionDeps,
  kept: Kept,
  besides: (trx: Trx, proposed: Proposed) => Promise<void> = async () => undefined,
): Promise<Proposed> {
  const { db, clock, limits } = deps;
  const isAllowed = kept.verdict.verdict === 'allow' && (kept.foretold || (await allowedStill(deps, kept)));
  const { leaving, ...proposed } = await write(db, 'actions.propose', async (trx) => {
    const at = clock.now();
    const request = { serverId: kept.server.id, key: kept.key };
    const earlier = (await openRepeat(trx, request, at - limits.repeatMs)) ?? (await askedMeanwhile(trx, kept));
    if (!earlier) await refuseCrowd(deps, trx, kept.by, kept.server.id, kept.draft);
    const row = earlier ?? (await begin(deps, trx, kept, at));
    const leaving = earlier || !isAllowed ? null : await dispatchAtOnce(deps, trx, row);
    const state = leaving === null ? row.state : 'dispatched';
    const proposed = { actionId: row.id, state, repeated: earlier !== undefined };
    await besides(trx, proposed);
    return { ...proposed, leaving };
  });
  if (leaving) await handOver(deps, leaving);
  return proposed;
}

/** What goes on by itself must not run besides what its requester asked for anew meanwhile, though that has ended by now. */
async function askedMeanwhile(trx: Trx, { verdict, follows, key }: Kept): Promise<ActionTable | undefined> {
  return verdict.verdict === 'allow' && follows ? askedAfter(trx, key, follows.action) : undefined;
}

/** A preview may have taken a while: policy is asked once more before anything leaves. */
async function allowedStill(deps: ActionDeps, { by, server, draft }: Kept): Promise<boolean> {
  const { policy } = await deps.policy.current();
  const now = (await serverById(deps.db, server.id)) ?? server;
  return evaluate(policy, await policyFacts(deps.db, by, now, draft, deps.clock.now())).verdict === 'allow';
}

function begin(deps: ActionDeps, trx: Trx, kept: Kept, at: number): Promise<ActionTable> {
  const { ids, limits } = deps;
  const { server, draft, verdict, inForce, follows } = kept;
  const id = ids.id('act');
  const decideBy = at + storedPolicy(verdict, inForce.sha256).ask.expiresMs;
  const plan: Plan = { ...draft, request: { action: id, valid_until: decideBy + limits.startWindowMs } };
  const playbooks = playbooksOn(deps.playbooks, abilitiesOf(server));
  const row = actionRow({ playbooks, limits }, { ...kept, plan, id, at, decideBy });
  const { source } = plan;
  return beginAction(deps, trx, {
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
}
