/**
 * Reads options and operands as getopt_long(3) does, but takes only what a row spells out: no abbreviation, no unknown letter, no
 * value that could be taken for an option. Source: getopt(3), GNU coreutils.
 */
import { none, type Operands, type Options } from './program.ts';
import type { Looked, ReadingRules } from './value-kinds.ts';

/** What the command looks at, or `null` when some word is not one that the row knows. */
export function readOptions(options: Options, words: readonly string[], rules: ReadingRules): readonly Looked[] | null {
  const reader = new Reader(options, words, rules);
  return reader.read() ? reader.looked : null;
}

class Reader {
  readonly looked: Looked[] = [];
  readonly #options: Options;
  readonly #rules: ReadingRules;
  readonly #left: string[];
  readonly #seen = new Set<string>();
  readonly #operands: string[] = [];

  constructor(options: Options, words: readonly string[], rules: ReadingRules) {
    this.#options = options;
    this.#rules = rules;
    this.#left = [...words];
  }

  read(): boolean {
    for (let word = this.#left.shift(); word !== undefined; word = this.#left.shift()) {
      if (word === '--') {
        this.#operands.push(...this.#left);
        break;
      }
      if (!this.#one(word)) return false;
    }
    const { needs, verbs } = this.#options;
    if (needs !== undefined && !needs.some((option) => this.#seen.has(option))) return false;
    if (this.#operands.some((word) => word.startsWith('-'))) return false;
    const [verb, ...rest] = this.#operands;
    if (verbs === undefined || verb === undefined) return this.#take(this.#options.operands ?? none, this.#operands);
    return Object.hasOwn(verbs, verb) && this.#take(verbs[verb] ?? none, rest);
  }

  #one(word: string): boolean {
    if (word.startsWith('--')) return this.#long(word);
    if (word.length > 1 && word.startsWith('-'))
      return this.#options.digits === true && /^-\d{1,7}$/.test(word) ? true : this.#letters(word.slice(1));
    this.#operands.push(word);
    return word !== '' && word !== '-';
  }

  #long(word: string): boolean {
    const at = word.indexOf('=');
    const option = at < 0 ? word : word.slice(0, at);
    const { long = [], values = {}, maybe = {} } = this.#options;
    this.#seen.add(option);
    if (at < 0 && (long.includes(option) || Object.hasOwn(maybe, option))) return true;
    if (Object.hasOwn(values, option)) return at < 0 ? this.#next(option) : this.#value(option, word.slice(at + 1));
    return at >= 0 && Object.hasOwn(maybe, option) && this.#fits(maybe[option], word.slice(at + 1));
  }

  #letters(word: string): boolean {
    const { letters = '', values = {}, maybe = {} } = this.#options;
    for (const [n, letter] of [...word].entries()) {
      const option = `-${letter}`;
      const rest = word.slice(n + 1);
      this.#seen.add(option);
      if (Object.hasOwn(values, option)) return rest === '' ? this.#next(option) : this.#value(option, rest);
      if (Object.hasOwn(maybe, option)) return rest === '' || this.#fits(maybe[option], rest);
      if (!/^[A-Za-z0-9]$/.test(letter) || !letters.includes(letter)) return false;
    }
    return true;
  }

  /** A value in a word of its own. One that begins with a dash and is no figure has to be attached. */
  #next(option: string): boolean {
    const value = this.#left.shift();
    return value !== undefined && !/^-(?!\d)/.test(value) && this.#value(option, value);
  }

  #value(option: string, value: string): boolean {
    return this.#fits(this.#options.values?.[option], value);
  }

  #fits(kind: Operands['kind'] | undefined, word: string): boolean {
    const found = kind?.(word, this.#rules) ?? null;
    if (found !== null) this.looked.push(...found);
    return found !== null;
  }

  #take({ kind, least, most, orNone }: Operands, words: readonly string[]): boolean {
    if (words.length === 0 && orNone) return true;
    return words.length >= least && words.length <= most && words.every((word) => this.#fits(kind, word));
  }
}
