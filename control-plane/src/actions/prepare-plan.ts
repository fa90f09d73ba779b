/** From what was asked for to a plan with its preview and policy's verdict on it. Changes nothing. */
import { Fault, type Plan, type PlanDraft, type Preview } from '@countersign/protocol';
import type { ServerRow } from '../fleet/server.store.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { PolicyInForce } from '../policy/policy-book.ts';
import { underLock } from '../policy/under-lock.ts';
import type { ActionDeps } from './action-deps.ts';
import { whyContradicted } from './contradiction.ts';
import { draftPlan, playbookNamed, refuseLarge } from './draft-plan.ts';
import { playbooksOn } from './playbooks-on.ts';
import { type Asker, policyFacts } from './policy-facts.ts';
import { whyQuarantined } from './quarantine.ts';
import { readingWanted } from './reading-wanted.ts';
import { refuseCrowd } from './refuse-crowd.ts';
import { isReversible } from './reversible.ts';
import { abilitiesOf, refuseForbidden, refuseUnfit, refuseUnreachable } from './server-allows.ts';
import { lockOf } from './server-lock.ts';
import type { Wanted } from './wanted.ts';

export interface Prepared {
  /** All of the plan but which action it is for. */
  readonly draft: Omit<Plan, 'request'>;
  readonly verdict: PolicyVerdict;
  readonly inForce: PolicyInForce;
  /** Whether the preview was foretold: the server did not say it, and refuses the grant when it would say otherwise. */
  readonly foretold: boolean;
}

interface Asking {
  readonly signal?: AbortSignal | undefined;
  /** Asks the server in any case. */
  readonly afresh?: boolean;
}

/** Rejects with what keeps the plan from being made; see `propose`. A server is not asked about what policy denies. */
export async function preparePlan(
  deps: ActionDeps,
  by: Asker,
  server: ServerRow,
  wanted: Wanted,
  asking: Asking = {},
): Promise<Prepared> {
  const reading = readingWanted(server, wanted);
  if (reading === null) return prepare(deps, by, server, wanted, asking);
  try {
    return await prepare(deps, by, server, reading, asking);
  } catch (error) {
    // What the server does not know to read only is a command like any other, where it allows those.
    const refused = error instanceof Fault && NOT_READING.includes(error.code);
    if (!refused || abilitiesOf(server).policy?.commands !== true) throw error;
    return prepare(deps, by, server, wanted, asking);
  }
}

const NOT_READING: readonly string[] = ['server_policy_denies', 'path_denied', 'file_not_found', 'precondition_failed'];

async function prepare(
  deps: ActionDeps,
  by: Asker,
  server: ServerRow,
  wanted: Wanted,
  asking: Asking,
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
  const { preview, foretold } = await previewed(deps, draft, verdict, asking);
  return { draft: { ...draft, reversible: isReversible(draft, preview), preview }, verdict, inForce, foretold };
}

function draftFor(deps: ActionDeps, server: ServerRow, wanted: Wanted): PlanDraft {
  const abilities = abilitiesOf(server);
  const playbooks = playbooksOn(deps.playbooks, abilities);
  if (wanted.kind === 'playbook') refuseUnfit(playbookNamed(playbooks, wanted.playbook), server, abilities);
  const draft = draftPlan(playbooks, { id: server.id, name: server.name }, wanted);
  refuseForbidden(draft, server, abilities);
  return draft;
}

/**
 * What policy denies is not worth a question to the server. What it allows need not wait for one where the answer is known. People who
 * are asked see what the server itself says.
 */
async function previewed(
  { fleet }: ActionDeps,
  draft: PlanDraft,
  { verdict }: PolicyVerdict,
  { signal, afresh = false }: Asking,
): Promise<Pick<Prepared, 'foretold'> & { readonly preview: Preview }> {
  const { id } = draft.server;
  const known = verdict === 'allow' && !afresh ? fleet.foretell(id, draft) : null;
  const preview = known ?? (verdict === 'deny' ? nothing : await fleet.preview(id, draft, signal));
  refuseLarge({ ...draft, preview });
  return { preview, foretold: known !== null };
}

const nothing: Preview = { steps: [], witness: [], predictable: false };
