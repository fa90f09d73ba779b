/**
 * A caller asks for a change. It becomes an action: waiting for a human, allowed by policy, or denied and kept on record.
 * Nothing reaches the server here but the question what the plan would do.
 */
import { Fault, fault, type Plan, type PlanDraft, type Preview } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { PolicyInForce } from '../policy/policy-book.ts';
import type { Caller } from '../ports.ts';
import type { Db, Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { actionsOnServer, countPending, openRepeat } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { actionRow } from './action-row.ts';
import { askSomebody } from './ask-somebody.ts';
import { beginAction } from './begin-action.ts';
import { draftPlan, playbookNamed, refuseLarge } from './draft-plan.ts';
import { joinResources, planResources, shareResource } from './plan-resources.ts';
import { policyFacts } from './policy-facts.ts';
import { recordRefusal } from './record-refusal.ts';
import { requestKey } from './request-key.ts';
import { abilitiesOf, refuseForbidden, refuseUnfit, refuseUnreachable } from './server-allows.ts';
import { storedPolicy } from './stored-policy.ts';
import type { Wanted } from './wanted.ts';

export interface ProposeRequest {
  /** Id or name of a server. */
  readonly server: string;
  readonly wanted: Wanted;
  /** The caller's words. Shown as untrusted text, never part of what is approved. */
  readonly reason?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Proposed {
  readonly actionId: string;
  /** Whether it is the open action of the same request, made earlier. */
  readonly repeated: boolean;
}

/**
 * Makes an action of a request, or finds the one that the same request made within the last ten minutes and that is still open.
 * Rejects, with nothing changed, with: `server_not_found`, `server_revoked`, `playbook_not_found`, `playbook_does_not_fit`,
 * `invalid_input`, `secret_parameter`, `too_large`, `server_observe_only`, `commands_disabled`, `server_policy_denies`,
 * `capability_missing`, `server_offline`, `clock_skew`, `too_many_pending`, `target_busy`, and what the server says of its preview.
 * Rejects with `cannot_announce` when nobody can be asked; the action is then withdrawn at once.
 */
export async function propose(deps: ActionDeps, caller: Caller, request: ProposeRequest): Promise<Proposed> {
  const server = await resolveServerUnderCare(deps.db, request.server);
  try {
    return await proposeOn(deps, caller, server, request);
  } catch (error) {
    if (error instanceof Fault) await recordRefusal(deps, caller, server.id, request.wanted, error);
    throw error;
  }
}

async function proposeOn(
  deps: ActionDeps,
  caller: Caller,
  server: ServerRow,
  request: ProposeRequest,
): Promise<Proposed> {
  const { db, clock, limits } = deps;
  const key = requestKey(caller, server.id, request.wanted);
  const earlier = await openRepeat(db, key, clock.now() - limits.repeatMs);
  if (earlier) return { actionId: earlier.id, repeated: true };
  const draft = draftFor(deps, server, request.wanted);
  refuseUnreachable(server, deps.fleet.isOnline(server.id), limits.clockOffsetMostMs);
  await refuseCrowd(deps, db, caller, server.id, draft);
  const asker = { personId: caller.person.id, tokenId: caller.token?.id ?? null, client: caller.client };
  const inForce = await deps.policy.current();
  const verdict = evaluate(inForce.policy, await policyFacts(db, asker, server, draft, clock.now()));
  const preview = await previewed(deps, draft, verdict, request.signal);
  const outcome = await keep(deps, {
    caller,
    server,
    draft: { ...draft, preview },
    verdict,
    inForce,
    key,
    reason: request.reason,
  });
  if (!outcome.repeated && verdict.verdict === 'ask') await askSomebody(deps, outcome.actionId);
  return outcome;
}

function draftFor({ playbooks }: ActionDeps, server: ServerRow, wanted: Wanted): PlanDraft {
  const abilities = abilitiesOf(server);
  if (wanted.kind === 'playbook') refuseUnfit(playbookNamed(playbooks, wanted.playbook), server, abilities);
  const draft = draftPlan(playbooks, { id: server.id, name: server.name }, wanted);
  refuseForbidden(draft, server, abilities);
  return draft;
}

/** What policy denies is not worth a question to the server. */
async function previewed(
  deps: ActionDeps,
  draft: PlanDraft,
  verdict: PolicyVerdict,
  signal?: AbortSignal,
): Promise<Preview> {
  const nothing: Preview = { steps: [], witness: [], predictable: false };
  const preview = verdict.verdict === 'deny' ? nothing : await deps.fleet.preview(draft.server.id, draft, signal);
  refuseLarge({ ...draft, preview });
  return preview;
}

interface Kept {
  readonly caller: Caller;
  readonly server: ServerRow;
  readonly draft: PlanDraft & { readonly preview: Preview };
  readonly verdict: PolicyVerdict;
  readonly inForce: PolicyInForce;
  readonly key: string;
  readonly reason: string | undefined;
}

/** Looks once more, in the transaction that puts the action on record, since others may have been quicker meanwhile. */
function keep(deps: ActionDeps, kept: Kept): Promise<Proposed> {
  const { db, clock, ids, limits } = deps;
  const { caller, server, draft, verdict, inForce, key } = kept;
  return write(db, async (trx) => {
    const at = clock.now();
    const earlier = await openRepeat(trx, key, at - limits.repeatMs);
    if (earlier) return { actionId: earlier.id, repeated: true };
    await refuseCrowd(deps, trx, caller, server.id, draft);
    const id = ids.id('act');
    const decideBy = at + storedPolicy(verdict, inForce.sha256).ask.expiresMs;
    const plan: Plan = { ...draft, request: { action: id, valid_until: decideBy + limits.startWindowMs } };
    const row = actionRow(deps, { ...kept, plan, id, at, decideBy, digest: digestOf(plan) });
    const { source } = plan;
    await beginAction(deps, trx, {
      row,
      verdict,
      policySha256: inForce.sha256,
      who: whoOf(caller),
      asked: {
        source: source.kind === 'playbook' ? `${source.id} version ${source.version}` : source.kind,
        parameters: plan.parameters,
        argv: plan.preview.steps.flatMap((step) => step.argv),
      },
    });
    return { actionId: row.id, repeated: false };
  });
}

/** Throws `too_many_pending` or `target_busy`. */
async function refuseCrowd({ limits }: ActionDeps, db: Db | Trx, caller: Caller, serverId: string, plan: PlanDraft) {
  const count = await countPending(db, { personId: caller.person.id, tokenId: caller.token?.id ?? null });
  if (count >= limits.pendingMost) throw fault('too_many_pending', { count });
  const resources = joinResources(planResources(plan));
  const busy = (await actionsOnServer(db, serverId, ['approved', 'dispatched', 'running'])).find((other) =>
    shareResource(other.resource, resources),
  );
  if (busy) throw fault('target_busy', { action: busy.id, server: plan.server.name });
}
