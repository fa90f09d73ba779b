/**
 * Whether a grant is one that this server may act on: pure, so that every way to forge, replay or bend one can be tried.
 * Source: design.md, section 6; threats T1, T3, T8, T10, T12.
 */
import {
  type Approval,
  type Fault,
  fault,
  type Grant,
  type LockState,
  type SignedGrant,
  shorten,
  strengthAtLeast,
} from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { holdersThatSigned, whyNotCounted } from '@countersign/protocol/follow-lock';
import { verifyValue } from '@countersign/protocol/signing';
import type { LocalPolicy } from './local-policy.ts';
import { riskHere } from './own-risk.ts';

/** What the server knows of itself. */
export interface GrantTerms {
  readonly serverId: string;
  /** The control plane's key as it was pinned at install. */
  readonly controlPlaneKey: string;
  readonly serverName: string;
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** How far this clock is ahead of the control plane's, as the link measured it; `null` when it could not. */
  readonly skewMs: number | null;
  readonly approvals: LocalPolicy['approvals'];
  /** The owner's own commands: the risk that is declared of them counts. */
  readonly commands: LocalPolicy['commands'];
  /** The lock as this server follows it; null when it has none. */
  readonly lock: LockState | null;
}

/** Clocks that differ by more refuse changes. */
export const SKEW_MAX_MS = 60_000;

/** What is to be said of a grant. */
export interface GrantJudgement {
  /** Why it is refused; `null` when it is good. */
  readonly fault: Fault | null;
  /** Whether the pinned key signed it for this server. */
  readonly genuine: boolean;
  /**
   * Whether a refusal is worth a line in the journal. On a locked server enough holders must have signed: a control plane alone
   * can make grants without end, and would fill the disk with them and push out of the journal which actions were carried out.
   */
  readonly notable: boolean;
}

export function verifyGrant(signed: SignedGrant, terms: GrantTerms): GrantJudgement {
  const forged = whyForged(signed, terms);
  if (forged !== null) return { fault: fault('grant_invalid', { reason: forged }), genuine: false, notable: false };
  const { grant } = signed;
  const bent = whyBent(grant);
  if (bent !== null)
    return { fault: fault('grant_invalid', { reason: bent }), genuine: true, notable: !locks(terms.lock) };
  const short = unsigned(grant, terms);
  const refused = untimely(grant, terms) ?? unapproved(grant, terms) ?? short;
  return { fault: refused, genuine: true, notable: short === null };
}

function whyForged(signed: SignedGrant, terms: GrantTerms): string | null {
  if (signed.key !== terms.controlPlaneKey) return 'it is signed with another key than the one pinned at install';
  if (!verifyValue('grant', signed.grant, signed.signature, terms.controlPlaneKey)) return 'its signature is wrong';
  const { server } = signed.grant.plan;
  if (server.id !== terms.serverId) return 'it is for another server';
  // The name is what people read when they sign.
  if (server.name !== terms.serverName) return `it calls this server by another name than ${terms.serverName}`;
  return null;
}

function whyBent(grant: Grant): string | null {
  const digest = digestOf(grant.plan);
  if (digest !== grant.digest) return 'the plan is not the one that its digest was made of';
  if (grant.plan.request.action !== grant.actionId) return 'its plan was made for another action';
  if (grant.approvals.some((approval) => approval.digest !== digest)) return 'an approval is for another plan';
  const steps = [...grant.plan.steps, ...grant.plan.undo].map(({ id }) => id);
  if (new Set(steps).size !== steps.length) return 'two of its steps have the same id';
  if (grant.expiresAt <= grant.issuedAt) return 'it ends before it begins';
  return null;
}

function untimely(grant: Grant, terms: GrantTerms): Fault | null {
  const behind = grant.issuedAt - terms.now;
  const skew = Math.max(Math.abs(terms.skewMs ?? 0), behind);
  if (skew > SKEW_MAX_MS) return fault('clock_skew', { server: terms.serverName, seconds: Math.round(skew / 1000) });
  return terms.now > Math.min(grant.expiresAt, grant.plan.request.valid_until) ? fault('grant_expired') : null;
}

function unapproved(grant: Grant, { approvals }: GrantTerms): Fault | null {
  const counted = grant.approvals.filter(
    ({ channel, strength }) => approvals.channels.includes(channel) && strengthAtLeast(strength, approvals.strength),
  );
  const people = new Set(counted.map(({ person }) => person.id)).size;
  if (people >= approvals.atLeast) return null;
  const reason =
    `its own policy asks for ${approvals.atLeast} approval(s) by ${approvals.channels.join(' or ')}, ` +
    `${approvals.strength} or stronger, and ${people} came`;
  return fault('approvals_insufficient', { reason });
}

const locks = (lock: LockState | null): lock is LockState => lock !== null && !lock.disabled;

/** On a locked server only signatures count, each holder of the lock once, whatever channel or person an approval names. */
function unsigned({ plan, digest, approvals }: Grant, { lock, commands }: GrantTerms): Fault | null {
  if (!locks(lock)) return null;
  const risk = riskHere({ commands }, plan);
  const needed = lock.signatures[risk];
  const signatures = approvals.flatMap(({ signature }) => signature ?? []);
  const holders = [...holdersThatSigned(lock, digest, signatures)].toSorted();
  if (holders.length >= needed) return null;
  const signed = holders.length === 0 ? 'nobody did' : `${holders.join(', ')} did`;
  const short = `${needed} of the holders of its lock must sign a change of risk ${risk}, and ${signed}`;
  const reason = [short, ...approvals.flatMap((approval) => uncounted(approval, lock))].join('; ');
  return fault('approvals_insufficient', { reason: shorten(reason, REASON_MAX) });
}

const REASON_MAX = 1000;

function uncounted({ person, signature, digest }: Approval, lock: LockState): string[] {
  if (signature === undefined) return [`the approval of ${person.name} is not signed`];
  const why = whyNotCounted(lock, digest, signature);
  return why === null ? [] : [`the signature of ${person.name} does not count: ${why}`];
}
