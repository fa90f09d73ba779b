/**
 * What a command would run, by argv and redirections, in our own sentences: for people who decide, and for rules that deny. Pure. It is
 * our reading and not proof; nothing is ever allowed because of it.
 */

import type { PlanDraft } from '@countersign/protocol';
import { escapeDeceptive, shorten } from '@countersign/protocol';
import { readShellText } from './shell-text.ts';
import { baseName, type Inner, innerOf, steers } from './wrappers.ts';

export interface Understood {
  /** Empty where the argv says it all. */
  readonly sentences: readonly string[];
  /** Every program that it would start, without folders; `?` when there is something that could not be looked into. */
  readonly programs: readonly string[];
}

/** Stands among the programs for what nobody could look into. */
export const UNCLEAR = '?';

/** Stands in a command line for a word that is known on the server only. */
const UNKNOWN_WORD = '$…';

const DEPTH_MAX = 8;
const SENTENCES_MAX = 20;
const WORDS_MAX = 160;

/** `environment`: the variables that it is given on top. */
export function understandCommand(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Understood {
  const reader = new Reader();
  reader.environment(Object.keys(environment));
  reader.argv(argv, 0);
  const { sentences, programs } = reader;
  const signs = argv.slice(1).filter((word) => /^(\d?>>?\|?|<|\||&&|\|\|)$/.test(word));
  if (signs.length > 0 && programs.size === 1)
    sentences.push(
      `No shell reads its words: ${signs.join(' ')} is a word like any other to ${shown([argv[0] ?? ''])}.`,
    );
  const more = sentences.length - SENTENCES_MAX;
  return {
    sentences: more > 0 ? [...sentences.slice(0, SENTENCES_MAX), `And ${more} more like these.`] : sentences,
    programs: [...programs],
  };
}

/** What all commands of a plan would run, those too that only read: a rule that denies a program means them as well. */
export function understandPlan({ steps, undo }: Pick<PlanDraft, 'steps' | 'undo'>): Understood {
  const each = [...steps, ...undo]
    .filter(({ capability }) => capability === 'command.run' || capability === 'command.read')
    .map(({ parameters: { argv, environment } }) =>
      understandCommand(argv as string[], environment as Record<string, string> | undefined),
    );
  return {
    sentences: [...new Set(each.flatMap(({ sentences }) => sentences))],
    programs: [...new Set(each.flatMap(({ programs }) => programs))],
  };
}

class Reader {
  readonly sentences: string[] = [];
  readonly programs = new Set<string>();

  environment(names: readonly string[]): void {
    const steering = names.filter(steers);
    if (steering.length === 0) return;
    this.programs.add(UNCLEAR);
    this.sentences.push(
      `This cannot be inspected: by ${cut(steering.join(', '))} a program can be made to load or start something else.`,
    );
  }

  argv(argv: readonly (string | null)[], depth: number): void {
    const [program] = argv;
    if (depth > DEPTH_MAX || program == null || program.includes(UNKNOWN_WORD)) {
      this.programs.add(UNCLEAR);
      return;
    }
    this.programs.add(baseName(program));
    // What is known on the server only may be an option too.
    const words = argv.map((word) => word ?? UNKNOWN_WORD);
    for (const inner of innerOf(words)) this.#inner(shown([baseName(program)]), inner, depth + 1);
  }

  #inner(by: string, inner: Inner, depth: number): void {
    if (inner.kind === 'unclear') {
      this.programs.add(UNCLEAR);
      this.sentences.push(`This cannot be inspected: ${cut(inner.because)}.`);
    } else if (inner.kind === 'argv') {
      this.sentences.push(`${by} starts ${shown(inner.argv)}.`);
      if (inner.guessed) this.programs.add(UNCLEAR);
      this.argv(inner.argv, depth);
    } else this.#text(by, inner, depth);
  }

  #text(by: string, { text, where, guessed }: Extract<Inner, { kind: 'text' }>, depth: number): void {
    const read = readShellText(text);
    const { commands, redirections, notes } = read;
    const whole = read.whole && !text.includes(UNKNOWN_WORD);
    if (!whole || guessed) this.programs.add(UNCLEAR);
    const shell = where === undefined ? 'A shell' : `A shell ${where}`;
    for (const command of commands) {
      this.sentences.push(`${shell}, started by ${by}, runs ${cut(command.text)}.`);
      this.argv(command.argv, depth);
    }
    this.sentences.push(...redirections.map(cut), ...notes.map(cut));
    if (!whole) this.sentences.push('This text cannot be inspected as a whole: it may run more than is said here.');
  }
}

const cut = (text: string) => escapeDeceptive(shorten(text.replace(/\s+/g, ' '), WORDS_MAX));
const shown = (argv: readonly string[]) =>
  cut(argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' '));
