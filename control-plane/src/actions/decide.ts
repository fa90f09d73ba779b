/** The one entry for all verdicts: Telegram, dashboard, command line and IDE. */
import { type ActionState, Fault, fault, isoTime, type RelyingParty, type Strength } from '@countersign/protocol';
import { keysOf } from '../access/passkey.store.ts';
import { safeText } from '../audit/entry.ts';
import { appendEntry, type Who, whoIs } from '../audit/ledger.ts';
import type { Trx } from '../storage/database.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { actionById, saveVote, standingOf, votesOn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { withParts } from './action-parts.store.ts';
import { applyTransition, tellAfterCommit } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { type Judged, judge, type Verdict } from './judge-verdict.ts';
import { planTampered } from './plan-tampered.ts';
import { quorumOf } from './quorum.ts';

export type { Verdict } from './judge-verdict.ts';

export interface Decided {
  readonly state: ActionState;
  /** `counted`: the approval was taken, and more people have to approve. */
  readonly outcome: 'approved' | 'rejected' | 'counted';
  /** How many approvals are still missing. */
  readonly missing: number;
}

export type DecideDeps = Pick<ActionDeps, 'db' | 'clock' | 'ids' | 'live' | 'followers' | 'limits' | 'party'>;

/** A verdict that counts, with its strength together with the signature. */
type Counted = Verdict & { readonly strength: Strength };

/**
 * Takes one person's verdict on one digest. Rejects, with nothing changed but the audit log, with: `action_not_found`,
 * `not_an_approver`, `action_expired`, `already_decided`, `action_not_open`, `digest_mismatch`, `own_request`,
 * `channel_too_weak`, `signature_needed`, `signature_invalid`, `invalid_input` (the server's name has to be typed),
 * `already_voted`.
 * A reject needs no quorum and takes the person's own earlier approval back.
 */
export function decide(deps: DecideDeps, verdict: Verdict): Promise<Decided> {
  return commitOrRefuse(deps.db, 'actions.decide', async (trx) => {
    const now = deps.clock.now();
    const judged = await gather(trx, verdict, { now, party: deps.party() });
    const tampered = verdict.verdict === 'approve' ? planTampered(judged.action) : undefined;
    const strength = judge(verdict, judged);
    if (strength instanceof Fault) return refuse(deps, trx, verdict, judged, strength);
    if (tampered) return refuse(deps, trx, verdict, judged, tampered);
    const counted = { ...verdict, strength };
    return verdict.verdict === 'reject' ? reject(deps, trx, counted, judged) : approve(deps, trx, counted, judged);
  });
}

async function gather(
  trx: Trx,
  { actionId, person }: Verdict,
  known: { readonly now: number; readonly party: RelyingParty | null },
): Promise<Judged> {
  const action = await actionById(trx, actionId);
  const [parts] = action ? await withParts(trx, [action]) : [];
  if (!action || !parts) throw fault('action_not_found', { action: actionId });
  return {
    ...{ ...known, action, serverName: parts.server.name, lock: parts.server.lock, votes: parts.votes },
    standing: await standingOf(trx, person.id),
    ownKeys: await keysOf(trx, person.id),
  };
}

async function approve(deps: DecideDeps, trx: Trx, verdict: Counted, { action, lock, now }: Judged): Promise<Decided> {
  await keepVote(deps, trx, verdict, now);
  const quorum = quorumOf({ ...action, needed: action.approvals_needed, lock }, await votesOn(trx, action.id));
  const { given, missing, met, needed } = quorum;
  const who = whoDecides(verdict);
  const { channel, strength } = verdict;
  const signed_with = verdict.signature?.key ?? null;
  if (!met) {
    await appendEntry(trx, {
      event: 'approval.given',
      at: now,
      who,
      serverId: action.server_id,
      actionId: action.id,
      details: { channel, strength, signed_with, digest: action.digest, given, needed },
    });
    await addToTimeline(trx, {
      at: now,
      kind: 'approval',
      title: `Approved, ${missing} more needed: ${action.title}`,
      serverId: action.server_id,
      actionId: action.id,
      by: verdict.person.name,
    });
    tellAfterCommit(deps, trx, action);
    return { state: action.state, outcome: 'counted', missing };
  }
  const startBy = now + deps.limits.startWindowMs;
  const state = await applyTransition(deps, trx, {
    actionId: action.id,
    event: 'approve',
    cause: 'person',
    who,
    at: now,
    note: `by ${channel}`,
    set: { start_by: startBy },
    details: { channel, strength, signed_with, approvals: given, start_by: startBy },
  });
  return { state, outcome: 'approved', missing: 0 };
}

async function reject(deps: DecideDeps, trx: Trx, verdict: Counted, { action, now }: Judged): Promise<Decided> {
  await keepVote(deps, trx, verdict, now);
  const reason = verdict.reason === undefined ? null : safeText(verdict.reason, 500);
  const state = await applyTransition(deps, trx, {
    actionId: action.id,
    event: 'reject',
    cause: 'person',
    who: whoDecides(verdict),
    at: now,
    note: reason === null ? `by ${verdict.channel}` : `by ${verdict.channel}: ${reason}`,
    set: { finished_at: now },
    details: { channel: verdict.channel, strength: verdict.strength, reason },
  });
  return { state, outcome: 'rejected', missing: 0 };
}

async function keepVote({ ids }: DecideDeps, trx: Trx, vote: Counted, at: number): Promise<void> {
  await saveVote(trx, {
    id: ids.id('apr'),
    action_id: vote.actionId,
    person_id: vote.person.id,
    verdict: vote.verdict,
    channel: vote.channel,
    strength: vote.strength,
    digest: vote.digest,
    at,
    reason: vote.reason === undefined ? null : safeText(vote.reason, 500),
    signature_json: vote.verdict === 'approve' && vote.signature ? JSON.stringify(vote.signature) : null,
  });
}

async function refuse(deps: DecideDeps, trx: Trx, verdict: Verdict, judged: Judged, refused: Fault): Promise<Refusal> {
  const { action, now } = judged;
  const { channel, strength } = verdict;
  await appendEntry(trx, {
    event: 'approval.refused',
    at: now,
    who: whoDecides(verdict),
    serverId: action.server_id,
    actionId: action.id,
    details: { channel, strength, verdict: verdict.verdict, error: refused.code, message: refused.message },
  });
  if (action.state === 'awaiting_approval' && now >= action.decide_by)
    await applyTransition(deps, trx, {
      actionId: action.id,
      event: 'expire',
      cause: 'clock',
      who: whoIs('clock'),
      at: now,
      note: `Nobody decided before ${isoTime(action.decide_by)}.`,
      set: { finished_at: now },
    });
  return new Refusal(refused);
}

function whoDecides({ person, ip }: Verdict): Who {
  return { person: { id: person.id, name: person.name }, token: null, client: null, ip: ip ?? null, by: 'person' };
}
