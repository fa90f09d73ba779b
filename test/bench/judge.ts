/** From the rounds of one figure to a row: median and spread, the ratio to the peer, and whether the goal is met. */
import { ratios, type Spread, spreadOf } from './statistics.ts';

export const goalIds = ['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8', 'G9', 'G10', 'G11', 'G12'] as const;
export type GoalId = (typeof goalIds)[number];

/** How a figure is written. */
export type Unit = 'MB' | 'KB' | 'ms' | 's' | '/s' | '';

/** What the goal asks of the ratio to the peer, or of the figure itself where there is no peer. */
export interface Bound {
  readonly kind: 'at most' | 'at least';
  readonly value: number;
}
export const atMost = (value: number): Bound => ({ kind: 'at most', value });
export const atLeast = (value: number): Bound => ({ kind: 'at least', value });

/** A peer is measured, or it is missing and named with the Debian package that brings it. */
export type Peer =
  | { readonly name: string; readonly rounds: readonly number[] }
  | { readonly name: string; readonly missing: string };

export interface Measured {
  readonly goal: GoalId;
  readonly what: string;
  readonly unit: Unit;
  readonly rounds: readonly number[];
  /** Left out where the goal is a figure of its own. */
  readonly peer?: Peer;
  /** Left out where it is only shown beside the others. */
  readonly bound?: Bound;
  /** The goal names a size, and this run is smaller: then it may be missed, but it cannot be met. */
  readonly smaller?: boolean;
  /** Counts, sizes, and what is unlike the real thing. */
  readonly note: string;
}

export type Verdict = 'met' | 'not met' | 'well at a smaller size' | 'peer missing' | 'shown only';

export interface Row {
  readonly goal: GoalId;
  readonly what: string;
  readonly unit: Unit;
  readonly ours: Spread;
  readonly peer: { readonly name: string; readonly figures: Spread | null; readonly missing: string | null } | null;
  /** Ours over the peer's, round by round; null without a peer. */
  readonly ratio: Spread | null;
  readonly bound: Bound | null;
  readonly verdict: Verdict;
  /** How far from the goal: 1 is just met, 2 is twice too much (or half of what it should be). Null where nothing is judged. */
  readonly againstGoal: number | null;
  readonly note: string;
}

export function judge({ goal, what, unit, rounds, peer, bound, smaller = false, note }: Measured): Row {
  const theirs = peer && 'rounds' in peer ? peer.rounds : null;
  const ratio = theirs && spreadOf(ratios(rounds, theirs));
  const ours = spreadOf(rounds);
  const judged = peer === undefined ? ours.median : (ratio?.median ?? null);
  const againstGoal = bound === undefined || judged === null ? null : distance(judged, bound);
  return {
    ...{ goal, what, unit, ours, ratio, bound: bound ?? null, againstGoal, note },
    peer: peer
      ? {
          name: peer.name,
          figures: theirs && spreadOf(theirs),
          missing: 'missing' in peer ? peer.missing : null,
        }
      : null,
    verdict: verdictOf(againstGoal, bound, peer, smaller),
  };
}

function distance(value: number, { kind, value: wanted }: Bound): number {
  if (kind === 'at least') return wanted / value;
  // Where nothing at all is asked for, nothing is just met and anything is infinitely far.
  return wanted === 0 && value === 0 ? 1 : value / wanted;
}

function verdictOf(
  againstGoal: number | null,
  bound: Bound | undefined,
  peer: Peer | undefined,
  smaller: boolean,
): Verdict {
  if (peer && 'missing' in peer) return 'peer missing';
  if (bound === undefined || againstGoal === null) return 'shown only';
  if (!(againstGoal <= 1)) return 'not met';
  return smaller ? 'well at a smaller size' : 'met';
}
