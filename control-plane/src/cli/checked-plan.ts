/**
 * An action as its plan says it, computed here: the control plane may lie (T1), so what a person reads before signing comes
 * from the bytes that are signed, and from nothing else.
 */
import { fault, fingerprint, planRisk } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';

/**
 * The action with every word that its plan can say taken from the plan. Throws `plan_bent` when the digest is not that of the
 * plan, or the plan is for another action than the one that was asked for.
 */
export function checkedAgainstPlan(shown: ActionDetail, asked: string): ActionDetail {
  const { plan } = shown;
  const digest = digestOf(plan);
  const bent = (reason: string) => fault('plan_bent', { action: asked, reason });
  if (digest !== shown.digest)
    throw bent(`the plan has the digest ${fingerprint(digest)}, not ${fingerprint(shown.digest)}`);
  if (plan.request.action !== asked) throw bent(`the plan is for ${plan.request.action}`);
  return {
    ...shown,
    ...{ id: asked, digest, fingerprint: fingerprint(digest) },
    ...{ title: plan.title, server: plan.server, source: plan.source, reversible: plan.reversible },
    risk: planRisk(plan), // as the server computes it
  };
}
