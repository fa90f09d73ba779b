/** How a row of the table of reading commands is written. */
import type { Kind, Looked, ReadingRules } from './value-kinds.ts';

/** What follows a program: options in the manner of getopt_long(3), then operands. */
export interface Options {
  /** Letters that stand alone and may be written together: `lah`. */
  readonly letters?: string;
  /** Long options without a value, spelled out. Abbreviations do not count, whatever getopt makes of them. */
  readonly long?: readonly string[];
  /** Options with a value, by `-n` or `--lines`. */
  readonly values?: Readonly<Record<string, Kind>>;
  /** Options whose value may be left out, and must be attached: `--color=never`, `-I`. */
  readonly maybe?: Readonly<Record<string, Kind>>;
  /** Whether `-20` stands for a number of lines. */
  readonly digits?: true;
  /** At least one of these must be there. */
  readonly needs?: readonly string[];
  /** The first operand is one of these words, and the operands behind it are as it says. */
  readonly verbs?: Readonly<Record<string, Operands>>;
  /** Without a verb, or where there are none. */
  readonly operands?: Operands;
}

export interface Operands {
  readonly kind: Kind;
  readonly least: number;
  readonly most: number;
  /** Whether there may be none at all, although there have to be some otherwise. */
  readonly orNone?: true;
}

export const none: Operands = { kind: () => null, least: 0, most: 0 };
export const upTo = (most: number, kind: Kind): Operands => ({ kind, least: 0, most });
export const some = (kind: Kind): Operands => ({ kind, least: 1, most: 20 });

/** Programs that do not read their words as getopt does have their own grammar: what they look at, or `null`. */
export type Grammar = (words: readonly string[], rules: ReadingRules) => readonly Looked[] | null;

export interface Program {
  /** What it tells, for people: `the disk space of file systems`. */
  readonly tells: string;
  readonly takes: Options | Grammar;
  /** Put before the words that were asked for: what keeps it from starting a pager. */
  readonly always?: readonly string[];
}
