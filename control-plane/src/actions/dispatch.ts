/** Sends an approved action to its server: policy is asked once more, the state changes on disk, then the grant leaves. */
import { type Fault, fault, isoTime, type Plan, strengthAtLeast } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { failPoint } from '../fail-points.ts';
import { type ServerRow, serverById } from '../fleet/server.store.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { PolicyInForce } from '../policy/policy-book.ts';
import { underLock } from '../policy/under-lock.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable, ApprovalTable } from '../storage/tables.ts';
import { write } from '../storage/write.ts';
import { actionById, actionsOnServer, namedVotesOn, votesOn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';
import { whyContradicted } from './contradiction.ts';
import { grantOf } from './grant-of.ts';
import { pauseNow } from './pause.store.ts';
import { shareResource } from './plan-resources.ts';
import { planTampered } from './plan-tampered.ts';
import { policyFacts } from './policy-facts.ts';
import { whyQuarantined } from './quarantine.ts';
import { quorumOf } from './quorum.ts';
import { lockOf } from './server-lock.ts';

/** What became of it. `waiting`: it stays approved, since all is paused, or its server is away or works on the same thing. */
export type Dispatched = 'sent' | 'waiting' | 'expired' | 'revoked' | 'not_approved';

/**
 * Dispatches one approved action. The change to `dispatched` is on disk before the frame leaves: after a crash in between the
 * grant is sent again, and the runner starts an action once only. Never rejects for what the server or policy say.
 */
export async function dispatch(deps: ActionDeps, actionId: string): Promise<Dispatched> {
  const { db, clock } = deps;
  const row = await actionById(db, actionId);
  if (row?.state !== 'approved') return 'not_approved';
  const server = await serverById(db, row.server_id);
  if (!server) return 'not_approved';
  const reachable = isReachable(deps, server);
  const inForce = await deps.policy.current();
  const asker = { personId: row.requested_by_person, tokenId: row.requested_by_token, client: row.requested_by_client };
  const tampered = planTampered(row);
  const said = tampered
    ? undefined
    : evaluate(inForce.policy, await policyFacts(db, asker, server, JSON.parse(row.plan_json) as Plan, clock.now()));
  const outcome = await write(db, 'actions.dispatch', async (trx): Promise<Dispatched> => {
    const now = await actionById(trx, actionId);
    if (now?.state !== 'approved') return 'not_approved';
    if (clock.now() >= (now.start_by ?? 0)) return expire(deps, trx, now);
    // The pause is looked at in the transaction that sends: whichever of the two comes first, the other one knows of it.
    if (await pauseNow(trx)) return 'waiting';
    const serverNow = (await serverById(trx, now.server_id)) ?? server;
    const verdict = said && underLock(said, lockOf(serverNow), now.risk);
    const objection =
      tampered ??
      whyContradicted(serverNow) ??
      (await whyQuarantined(trx, serverNow)) ??
      objectionNow(verdict, now, await votesOn(trx, actionId), serverNow);
    if (objection) return revoke(deps, trx, now, objection, inForce, verdict);
    if (!reachable || (await targetBusy(trx, now))) return 'waiting';
    await leave(deps, trx, now);
    return 'sent';
  });
  if (outcome === 'sent') await sendGrant(deps, actionId);
  return outcome;
}

/** A row with the times of its grant. */
type Leaving = ActionTable & { readonly dispatched_at: number; readonly start_by: number };

/**
 * Dispatches an action in the transaction that makes it, which policy allows and `refuseCrowd` lets pass. Whoever has it committed
 * hands its grant over. Null, with nothing changed, where anything is in the way: then it waits for {@link dispatch} as others do.
 */
export async function dispatchAtOnce(deps: ActionDeps, trx: Trx, row: ActionTable): Promise<Leaving | null> {
  const { start_by } = row;
  const server = await serverById(trx, row.server_id);
  if (row.state !== 'approved' || start_by === null || !server || (await pauseNow(trx))) return null;
  if (!isReachable(deps, server) || lockOf(server) !== null || whyContradicted(server)) return null;
  if (await whyQuarantined(trx, server)) return null;
  const dispatched_at = await leave(deps, trx, row);
  return { ...row, dispatched_at, start_by };
}

const isReachable = ({ fleet, limits }: ActionDeps, { id, clock_offset_ms }: ServerRow) =>
  fleet.isOnline(id) && Math.abs(clock_offset_ms ?? 0) <= limits.clockOffsetMostMs;

async function leave(deps: ActionDeps, trx: Trx, row: ActionTable): Promise<number> {
  const at = deps.clock.now();
  await applyTransition(deps, trx, {
    actionId: row.id,
    row,
    event: 'dispatch',
    cause: 'system',
    who: whoIs('system'),
    at,
    set: { dispatched_at: at },
    details: { expires_at: row.start_by },
  });
  return at;
}

/**
 * Sends the grant of a dispatched action, or sends it again, unless changes are paused, or the server contradicts our log or is in quarantine. That it
 * cannot leave now is logged: a sweep sends it later.
 */
export async function sendGrant(
  deps: Pick<ActionDeps, 'db' | 'fleet' | 'key' | 'log'>,
  actionId: string,
): Promise<void> {
  const row = await actionById(deps.db, actionId);
  if (!row || row.dispatched_at === null || row.start_by === null) return;
  const { dispatched_at, start_by } = row;
  const server = await serverById(deps.db, row.server_id);
  if ((await pauseNow(deps.db)) || !server || whyContradicted(server)) return;
  if (await whyQuarantined(deps.db, server)) return;
  await handOver(deps, { ...row, dispatched_at, start_by });
}

/** Hands over the grant of an action right after the commit that looked at all that {@link sendGrant} looks at. */
export async function handOver(deps: Pick<ActionDeps, 'db' | 'fleet' | 'key' | 'log'>, row: Leaving): Promise<void> {
  try {
    // What policy allows has no votes.
    const votes = row.approvals_needed === 0 ? [] : await namedVotesOn(deps.db, [row.id]);
    const grant = grantOf(row, votes, deps.key);
    failPoint('actions.grant.before_send');
    await deps.fleet.dispatch(row.server_id, grant);
    failPoint('actions.grant.after_send');
  } catch (error) {
    deps.log.warn('action.grant_not_sent', { action: row.id, error });
  }
}

/** Why policy, as it is now, does not let it start any more: it denies, or asks for more than was given. */
function objectionNow(
  verdict: PolicyVerdict | undefined,
  row: ActionTable,
  votes: readonly ApprovalTable[],
  server: Pick<ServerRow, 'name' | 'policy_json'>,
): Fault | undefined {
  if (!verdict || verdict.verdict === 'allow') return undefined;
  if (verdict.verdict === 'deny') return fault('policy_denies', { reason: verdict.reason });
  const lock = lockOf(server);
  const asked = { digest: row.digest, risk: row.risk, lock };
  if (lock && !quorumOf({ ...asked, needed: 0 }, votes).met) return fault('signature_needed', { server: server.name });
  const { approvals, channels, strength } = verdict.ask;
  const counting = votes.filter((vote) => channels.includes(vote.channel) && strengthAtLeast(vote.strength, strength));
  if (quorumOf({ ...asked, needed: approvals }, counting).met) return undefined;
  return fault('policy_denies', {
    reason: `policy changed since, and rule ${verdict.rule} asks for more than was given`,
  });
}

async function expire(deps: ActionDeps, trx: Trx, { id, start_by }: ActionTable): Promise<Dispatched> {
  const at = deps.clock.now();
  const note = `It could not start before ${isoTime(start_by ?? at)}.`;
  await applyTransition(deps, trx, {
    actionId: id,
    event: 'expire',
    cause: 'clock',
    who: whoIs('clock'),
    at,
    note,
    set: { finished_at: at },
  });
  return 'expired';
}

async function revoke(
  deps: ActionDeps,
  trx: Trx,
  { id }: ActionTable,
  objection: Fault,
  inForce: PolicyInForce,
  verdict: PolicyVerdict | undefined,
): Promise<Dispatched> {
  const at = deps.clock.now();
  await applyTransition(deps, trx, {
    actionId: id,
    event: 'revoke',
    cause: 'policy',
    who: whoIs('policy'),
    at,
    note: objection.message,
    set: { finished_at: at, fault_json: JSON.stringify({ code: objection.code, slots: objection.slots }) },
    details: { error: objection.code, rule: verdict?.rule ?? null, policy_sha256: inForce.sha256 },
  });
  return 'revoked';
}

async function targetBusy(trx: Trx, row: ActionTable): Promise<boolean> {
  const others = await actionsOnServer(trx, row.server_id, ['dispatched', 'running']);
  return others.some((other) => shareResource(other.resource, row.resource));
}
