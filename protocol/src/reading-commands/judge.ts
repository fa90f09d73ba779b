/**
 * Whether a command only reads: by its whole argv against a closed table, never by its beginning. What is not understood to the last
 * word does not count as reading. Pure, so that control plane and server judge alike; the server judges again and looks where
 * links lead. Source: design.md, section 7; threats T1, T15, T16.
 */
import { filePrograms } from './file-programs.ts';
import { grammarPrograms } from './grammars.ts';
import { readOptions } from './options.ts';
import type { Program } from './program.ts';
import { systemPrograms } from './system-programs.ts';
import { systemctlShow, systemdPrograms } from './systemd-programs.ts';
import type { Looked, ReadingRules } from './value-kinds.ts';

export type { Looked, ReadingRules } from './value-kinds.ts';

export const readingPrograms: Readonly<Record<string, Program>> = {
  ...filePrograms,
  ...grammarPrograms,
  ...systemPrograms,
  ...systemdPrograms,
};

/** Where programs are looked for, in this order. Nothing that a user or a package manager of a language fills. */
export const PROGRAM_FOLDERS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'] as const;

/** A command that only reads. */
export interface Reading {
  readonly program: string;
  /** What follows the program, with what keeps it from starting a pager. */
  readonly words: readonly string[];
  /** What it looks at on disk. */
  readonly looked: readonly Looked[];
  /** For people: `cat tells what a file holds`. */
  readonly tells: string;
}

const WORDS_MAX = 40;

/** What a command reads, or `null` when it is not one that is known to read only. */
export function readingOf(argv: readonly string[], rules: ReadingRules): Reading | null {
  const [first = '', ...words] = argv;
  const program = programNamed(first);
  if (program === null || words.length > WORDS_MAX) return null;
  const row = readingPrograms[program];
  // A control character could start a line of its own where a program reads words as a script.
  if (row === undefined || words.some((word) => /[\u0000-\u001f\u007f]/.test(word) || !word.isWellFormed()))
    return null;
  const takes = program === 'systemctl' && words.includes('show') ? systemctlShow : row.takes;
  const looked = typeof takes === 'function' ? takes(words, rules) : readOptions(takes, words, rules);
  if (looked === null) return null;
  return { program, words: [...(row.always ?? []), ...words], looked, tells: `${program} tells ${row.tells}` };
}

/** The program of the table that a first word names: by itself, or in one of the fixed folders. */
function programNamed(word: string): string | null {
  const at = word.lastIndexOf('/');
  const folder = at < 0 ? null : word.slice(0, at);
  const name = word.slice(at + 1);
  if (folder !== null && !(PROGRAM_FOLDERS as readonly string[]).includes(folder)) return null;
  return Object.hasOwn(readingPrograms, name) ? name : null;
}
