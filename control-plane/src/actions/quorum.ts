/** Whether the votes on an action are enough. Pure. */
import type { ApproverSignature, LockState, Risk } from '@countersign/protocol';
import { holdersThatSigned } from '@countersign/protocol/follow-lock';
import type { ApprovalTable } from '../storage/tables.ts';

export type Vote = Pick<ApprovalTable, 'person_id' | 'verdict' | 'digest' | 'signature_json'>;

/** What has to be approved, and by how many. */
export interface Asked {
  /** Approvals that policy asks for. */
  readonly needed: number;
  readonly digest: string;
  readonly risk: Risk;
  /** Of the server; null where it has none. */
  readonly lock: LockState | null;
}

export interface Quorum {
  readonly needed: number;
  readonly given: number;
  readonly missing: number;
  readonly met: boolean;
  /** On a locked server: the holders whose signatures count. */
  readonly holders: readonly string[];
}

/**
 * Counts people who approved exactly this digest, each once. On a locked server it counts the holders whose keys signed it
 * instead, and there are as many needed as policy or the lock asks for, whichever is more.
 */
export function quorumOf({ needed, digest, risk, lock }: Asked, votes: readonly Vote[]): Quorum {
  const counting = votes.filter((vote) => vote.verdict === 'approve' && vote.digest === digest);
  if (lock === null) return counted(needed, new Set(counting.map((vote) => vote.person_id)).size, []);
  const holders = [...holdersThatSigned(lock, digest, counting.flatMap(signaturesOf))];
  return counted(Math.max(needed, lock.signatures[risk]), holders.length, holders);
}

function counted(needed: number, given: number, holders: readonly string[]): Quorum {
  return { needed, given, missing: Math.max(0, needed - given), met: given >= needed, holders };
}

/** The signature that a vote came with, if it came with one. */
export function signaturesOf({ signature_json }: Pick<ApprovalTable, 'signature_json'>): ApproverSignature[] {
  return signature_json === null ? [] : [JSON.parse(signature_json) as ApproverSignature];
}
