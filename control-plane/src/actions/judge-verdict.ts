/** Whether a person's verdict on an action counts. Pure: every channel is judged by the same rules. */
import {
  type ApproverSignature,
  type Channel,
  channelsThatDecide,
  Fault,
  fault,
  isoTime,
  type LockState,
  type RelyingParty,
  type Strength,
  strengthAtLeast,
} from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import type { ActionTable, ApprovalTable } from '../storage/tables.ts';
import { strengthOf } from './judge-signature.ts';
import { quorumOf } from './quorum.ts';
import { policyOf } from './stored-policy.ts';

/** A verdict as a channel hands it in. */
export interface Verdict {
  readonly actionId: string;
  /** The digest of the plan that was shown to the person. */
  readonly digest: string;
  readonly verdict: 'approve' | 'reject';
  readonly person: { readonly id: string; readonly name: string };
  readonly channel: Channel;
  /** How sure the channel is that this person answered, without the signature. */
  readonly strength: Strength;
  /** By a key of the person, over the digest. */
  readonly signature?: ApproverSignature | undefined;
  readonly reason?: string | undefined;
  /** The name of the server as the person typed it. */
  readonly typedServer?: string | undefined;
  /** Whether the person confirmed in a second tap, on a question of its own. */
  readonly secondTap?: boolean | undefined;
  /** The session that the verdict came with, where there is one. */
  readonly sessionId?: string | null | undefined;
  readonly ip?: string | null | undefined;
}

/** What is known of the person besides what the channel says. */
export interface Standing {
  readonly role: Role;
  readonly removed: boolean;
  /** Whether answers to form prompts of the assistant's client count for this person. */
  readonly ideAnswers: boolean;
}

export interface Judged {
  readonly action: ActionTable;
  readonly serverName: string;
  readonly votes: readonly (ApprovalTable & { readonly person_name: string })[];
  readonly standing: Standing | undefined;
  /** Of the server; null where it has none. */
  readonly lock: LockState | null;
  /** Public keys of the passkeys of the person's account, and the site that they are for. */
  readonly ownKeys: readonly string[];
  readonly party: RelyingParty | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** How sure we are of a verdict that counts, with its signature; why it does not count when it does not. */
export function judge(verdict: Verdict, judged: Judged): Strength | Fault {
  const objection =
    objectionToPerson(verdict, judged) ??
    objectionToTime(judged) ??
    (verdict.digest === judged.action.digest ? undefined : fault('digest_mismatch', { action: judged.action.id }));
  if (objection) return objection;
  return verdict.verdict === 'approve' ? judgeApproval(verdict, judged) : verdict.strength;
}

function objectionToPerson({ person }: Verdict, { action, standing }: Judged): Fault | undefined {
  const { from } = policyOf(action).ask;
  if (!standing || standing.removed)
    return fault('not_an_approver', { action: action.id, reason: `${person.name} is not a person here` });
  // What nobody was asked about (allowed or denied by policy) has nobody who might decide: its state says the rest.
  if (from.length === 0 || from.includes(standing.role)) return undefined;
  return fault('not_an_approver', {
    reason: `your role is ${standing.role}, rule ${action.rule} asks for ${from.join(' or ')}`,
  });
}

function objectionToTime({ action, votes, now }: Judged): Fault | undefined {
  const { id, state } = action;
  if (state === 'expired' || (state === 'awaiting_approval' && now >= action.decide_by))
    return fault('action_expired', {
      action: id,
      at: isoTime(action.finished_at ?? action.decide_by),
    });
  if (state === 'awaiting_approval') return undefined;
  if (state === 'withdrawn' || state === 'denied')
    return fault('action_not_open', { action: id, state, since: isoTime(action.finished_at ?? action.created_at) });
  const rejected = state === 'rejected';
  const last = votes.findLast((vote) => (vote.verdict === 'reject') === rejected);
  return fault('already_decided', {
    action: id,
    state: rejected ? 'rejected' : 'approved',
    person: last?.person_name ?? 'policy',
    channel: last?.channel ?? `rule ${action.rule}`,
    at: isoTime(last?.at ?? action.created_at),
  });
}

function judgeApproval(verdict: Verdict, judged: Judged): Strength | Fault {
  const { action, votes, lock } = judged;
  if (verdict.sessionId != null && verdict.sessionId === action.requested_by_session)
    return fault('own_request', { action: action.id });
  const wrong = wrongChannel(verdict, judged);
  if (wrong !== undefined) return fault('channel_too_weak', { channel: verdict.channel, reason: wrong });
  const asked = { ...action, needed: action.approvals_needed, lock };
  // A vote that the lock does not count, or not any more, can be given again.
  const own = votes.filter((vote) => vote.person_id === verdict.person.id);
  if (quorumOf(asked, own).given > 0)
    return fault('already_voted', { action: action.id, missing: Math.max(1, quorumOf(asked, votes).missing) });
  const strength = strengthOf(verdict, judged);
  if (strength instanceof Fault) return strength;
  const weak = weakness(strength, judged);
  if (weak !== undefined) return fault('channel_too_weak', { channel: verdict.channel, reason: weak });
  return missingConfirmation({ ...verdict, strength }, judged) ?? strength;
}

function wrongChannel({ channel }: Verdict, { action, lock, serverName }: Judged): string | undefined {
  const { ask } = policyOf(action);
  if (!ask.channels.includes(channel)) return `rule ${action.rule} accepts ${ask.channels.join(', ')} only`;
  if (lock === null || channelsThatDecide(ask, true).includes(channel)) return undefined;
  return `server ${serverName} is locked and counts only signatures, which cannot be made there`;
}

function weakness(strength: Strength, { action, standing }: Judged): string | undefined {
  const { ask } = policyOf(action);
  if (!strengthAtLeast(strength, ask.strength))
    return `rule ${action.rule} asks for at least ${ask.strength}, it was ${strength}`;
  if (strength !== 'form') return undefined;
  // A client program can answer a form by itself, so it is no proof of a human.
  if (action.risk !== 'low') return `an answer to a form counts at low risk only, this is ${action.risk}`;
  if (!standing?.ideAnswers) return 'you have not switched on answers by form';
  return undefined;
}

/** High risk is never one tap away: two in Telegram, or the server's name typed by hand, or a fresh code or passkey. */
function missingConfirmation(verdict: Verdict, { action, serverName }: Judged): Fault | undefined {
  if (action.risk === 'low' || action.risk === 'medium') return undefined;
  if (verdict.channel === 'telegram')
    return verdict.secondTap
      ? undefined
      : fault('channel_too_weak', {
          channel: 'telegram',
          reason: `at ${action.risk} risk a second tap must confirm it`,
        });
  if (verdict.typedServer === serverName) return undefined;
  if (verdict.typedServer === undefined && strengthAtLeast(verdict.strength, 'code')) return undefined;
  return fault('invalid_input', {
    problems: `typed_server: at ${action.risk} risk the name of the server, ${serverName}, has to be typed by hand`,
  });
}
