/** From what was asked for to a plan with its preview and policy's verdict on it. Changes nothing. */
import type { Plan, PlanDraft, Preview } from '@countersign/protocol';
import type { ServerRow } from '../fleet/server.store.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { PolicyInForce } from '../policy/policy-book.ts';
import { underLock } from '../policy/under-lock.ts';
import type { ActionDeps } from './action-deps.ts';
import { whyContradicted } from './contradiction.ts';
import { draftPlan, playbookNamed, refuseLarge } from './draft-plan.ts';
import { type Asker, policyFacts } from './policy-facts.ts';
import { whyQuarantined } from './quarantine.ts';
import { refuseCrowd } from './refuse-crowd.ts';
import { abilitiesOf, refuseForbidden, refuseUnfit, refuseUnreachable } from './server-allows.ts';
import { lockOf } from './server-lock.ts';
import type { Wanted } from './wanted.ts';

export interface Prepared {
  /** All of the plan but which action it is for. */
  readonly draft: Omit<Plan, 'request'>;
  readonly verdict: PolicyVerdict;
  readonly inForce: PolicyInForce;
}

/** Rejects with what keeps the plan from being made; see `propose`. A server is not asked about what policy denies. */
export async function preparePlan(
  deps: ActionDeps,
  by: Asker,
  server: ServerRow,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<Prepared> {
  const { db, clock, limits } = deps;
  const draft = draftFor(deps, server, wanted);
  const distrust = whyContradicted(server) ?? (await whyQuarantined(db, server));
  if (distrust) throw distrust;
  refuseUnreachable(server, deps.fleet.isOnline(server.id), limits.clockOffsetMostMs);
  await refuseCrowd(deps, db, by, server.id, draft);
  const inForce = await deps.policy.current();
  const facts = await policyFacts(db, by, server, draft, clock.now());
  const verdict = underLock(evaluate(inForce.policy, facts), lockOf(server), draft.risk);
  const preview = await previewed(deps, draft, verdict, signal);
  return { draft: { ...draft, preview }, verdict, inForce };
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
