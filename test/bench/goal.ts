/** What a goal is handed to measure with. */
import type { GoalId, Row } from './judge.ts';

export interface Bench {
  readonly quick: boolean;
  /** A count or a size: the first in a full run, the second with `--quick`. */
  count(full: number, quick: number): number;
  /** Says on the terminal what is going on. */
  say(line: string): void;
}

export interface Goal {
  readonly id: GoalId;
  /** The goal as speed.md has it, in a sentence. */
  readonly asks: string;
  measure(bench: Bench): Promise<Row[]>;
}

/** Numbers in notes, with the thousands apart. */
export const counted = (n: number): string => n.toLocaleString('en-GB');
