/** The row of a new action. Pure. */
import { canonicalJson, type Plan } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { safeText } from '../audit/entry.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { ActionTable } from '../storage/tables.ts';
import type { ActionDeps } from './action-deps.ts';
import { changedParameters } from './draft-plan.ts';
import type { Follows } from './keep-action.ts';
import { joinResources, planResources } from './plan-resources.ts';
import type { Asker } from './policy-facts.ts';
import { storedPolicy } from './stored-policy.ts';

/** Who asked, as an action keeps it. */
export interface RequestedBy extends Asker {
  readonly sessionId: string | null;
}

interface NewAction {
  readonly id: string;
  readonly at: number;
  readonly decideBy: number;
  readonly by: RequestedBy;
  readonly plan: Plan;
  readonly verdict: PolicyVerdict;
  readonly inForce: { readonly sha256: string };
  readonly key: string;
  readonly reason: string | undefined;
  readonly foretold: boolean;
  readonly follows?: Follows;
}

export function actionRow(
  { playbooks, limits }: Pick<ActionDeps, 'playbooks' | 'limits'>,
  action: NewAction,
): Omit<ActionTable, 'state'> {
  const { by, plan, verdict, at, follows } = action;
  const planText = canonicalJson(plan); // what the digest is of
  const policy = storedPolicy(verdict, action.inForce.sha256, action.foretold);
  return {
    id: action.id,
    server_id: plan.server.id,
    title: plan.title,
    source_json: canonicalJson(plan.source),
    risk: plan.risk,
    reversible: plan.reversible ? 1 : 0,
    digest: sha256(planText),
    plan_json: planText,
    resource: joinResources(planResources(plan)),
    requested_by_person: by.personId,
    requested_by_token: by.tokenId,
    requested_by_session: by.sessionId,
    requested_by_client: by.client === null ? null : safeText(by.client, 200),
    request_key: action.key,
    reason: action.reason === undefined ? null : safeText(action.reason, 1000),
    rule: verdict.rule,
    policy_json: canonicalJson(policy),
    approvals_needed: policy.ask.approvals,
    changed_parameters_json: JSON.stringify(changedParameters(playbooks, plan)),
    created_at: at,
    decide_by: action.decideBy,
    start_by: verdict.verdict === 'allow' ? at + limits.startWindowMs : null,
    ...nothingYet,
    follows_action: follows?.action ?? null,
    follows_json: follows ? JSON.stringify(follows.differences) : null,
    fault_json:
      verdict.verdict === 'deny' ? JSON.stringify({ code: 'policy_denies', slots: { reason: verdict.reason } }) : null,
  };
}

const nothingYet = {
  dispatched_at: null,
  started_at: null,
  finished_at: null,
  current_step_json: null,
  result_json: null,
  stop_requested_at: null,
  stop_requested_by: null,
  not_followed: null,
  confirm_by: null,
  confirm_json: null,
};
