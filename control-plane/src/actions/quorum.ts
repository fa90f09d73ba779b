/** Whether the votes on an action are enough. Pure. */
import type { ApprovalTable } from '../storage/tables.ts';

export type Vote = Pick<ApprovalTable, 'person_id' | 'verdict' | 'digest'>;

export interface Quorum {
  readonly given: number;
  readonly missing: number;
  readonly met: boolean;
}

/** Counts people who approved exactly this digest, each once. A vote on anything else counts for nothing. */
export function quorumOf(needed: number, digest: string, votes: readonly Vote[]): Quorum {
  const people = new Set(
    votes.filter((vote) => vote.verdict === 'approve' && vote.digest === digest).map((vote) => vote.person_id),
  );
  const given = people.size;
  return { given, missing: Math.max(0, needed - given), met: given >= needed };
}
