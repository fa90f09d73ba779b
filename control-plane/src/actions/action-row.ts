/** The row of a new action. Pure. */
import { canonicalJson, type Plan } from '@countersign/protocol';
import { safeText } from '../audit/entry.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { Caller } from '../ports.ts';
import type { ActionTable } from '../storage/tables.ts';
import type { ActionDeps } from './action-deps.ts';
import { changedParameters } from './draft-plan.ts';
import { joinResources, planResources } from './plan-resources.ts';
import { storedPolicy } from './stored-policy.ts';

interface NewAction {
  readonly id: string;
  readonly at: number;
  readonly decideBy: number;
  readonly caller: Caller;
  readonly plan: Plan;
  readonly digest: string;
  readonly verdict: PolicyVerdict;
  readonly inForce: { readonly sha256: string };
  readonly key: string;
  readonly reason: string | undefined;
}

export function actionRow(
  { playbooks, limits }: Pick<ActionDeps, 'playbooks' | 'limits'>,
  action: NewAction,
): Omit<ActionTable, 'state'> {
  const { caller, plan, verdict, at } = action;
  const policy = storedPolicy(verdict, action.inForce.sha256);
  return {
    id: action.id,
    server_id: plan.server.id,
    title: plan.title,
    source_json: canonicalJson(plan.source),
    risk: plan.risk,
    reversible: plan.reversible ? 1 : 0,
    digest: action.digest,
    plan_json: canonicalJson(plan),
    resource: joinResources(planResources(plan)),
    requested_by_person: caller.person.id,
    requested_by_token: caller.token?.id ?? null,
    requested_by_session: caller.session?.id ?? null,
    requested_by_client: caller.client === null ? null : safeText(caller.client, 200),
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
  follows_action: null,
  follows_json: null,
  confirm_by: null,
  confirm_json: null,
};
