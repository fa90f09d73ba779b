/**
 * A caller asks for a change. It becomes an action: waiting for a human, allowed by policy, or denied and kept on record.
 * Nothing reaches the server here but the question what the plan would do.
 */
import { Fault } from '@countersign/protocol';
import { whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Caller } from '../ports.ts';
import { openRepeat } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { askSomebody } from './ask-somebody.ts';
import { refuseAfterRejections } from './cool-down.ts';
import { keepAction, type Proposed } from './keep-action.ts';
import { preparePlan } from './prepare-plan.ts';
import { recordRefusal } from './record-refusal.ts';
import { requestKey } from './request-key.ts';
import type { Wanted } from './wanted.ts';

export interface ProposeRequest {
  /** Id or name of a server. */
  readonly server: string;
  readonly wanted: Wanted;
  /** The caller's words. Shown as untrusted text, never part of what is approved. */
  readonly reason?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type { Proposed } from './keep-action.ts';

/**
 * Makes an action of a request, or finds the one that the same request made within the last ten minutes and that is still open.
 * Rejects, with nothing changed, with: `server_not_found`, `server_revoked`, `playbook_not_found`, `playbook_does_not_fit`,
 * `invalid_input`, `secret_parameter`, `too_large`, `server_observe_only`, `commands_disabled`, `server_policy_denies`,
 * `capability_missing`, `ledger_rolled_back`, `checkpoint_contradicts`, `server_quarantined`, `too_many_rejections`, `server_offline`, `clock_skew`, `too_many_pending`,
 * `target_busy`, and what the server says of its preview.
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
  { wanted, reason, signal }: ProposeRequest,
): Promise<Proposed> {
  const { db, clock, limits } = deps;
  const key = requestKey(caller, server.id, wanted);
  const earlier = await openRepeat(db, { serverId: server.id, key }, clock.now() - limits.repeatMs);
  if (earlier) return { actionId: earlier.id, state: earlier.state, repeated: true };
  await refuseAfterRejections(deps, caller.token?.id ?? null);
  const by = {
    personId: caller.person.id,
    tokenId: caller.token?.id ?? null,
    sessionId: caller.session?.id ?? null,
    client: caller.client,
  };
  const prepared = await preparePlan(deps, by, server, wanted, { signal });
  const outcome = await keepAction(deps, { ...prepared, by, who: whoOf(caller), server, key, reason });
  if (!outcome.repeated && prepared.verdict.verdict === 'ask') await askSomebody(deps, outcome.actionId);
  return outcome;
}
