/**
 * The text that a shell would be given, taken apart: which programs it starts, with which words, and where it reads and writes. Our
 * reading, not proof: it serves to explain and to deny, and nothing is ever allowed because of it. The home of `unbash`.
 */
import { forEachChild, parse, type Redirection, type SyntaxNode, type Word } from 'unbash';
import { steers } from './wrappers.ts';

/** One program that the text starts. A word is `null` where it is known on the server only. */
export interface ShellCommand {
  readonly argv: readonly (string | null)[];
  /** As it is written. */
  readonly text: string;
}

export interface ShellText {
  readonly commands: readonly ShellCommand[];
  /** Files that are written or read by redirection: `> /etc/x`. */
  readonly redirections: readonly string[];
  /** What makes it more than some programs one after the other, or keeps it from being understood; in sentences. */
  readonly notes: readonly string[];
  /** Whether all of it was understood. */
  readonly whole: boolean;
}

const TEXT_MAX = 20_000;
const NODES_MAX = 20_000;

/** Takes a text apart. Never throws. */
export function readShellText(text: string): ShellText {
  if (text.length > TEXT_MAX) return unread('It is too long to be taken apart.');
  try {
    return new Reader(text).read();
  } catch (error) {
    if (error instanceof Error) return unread('It could not be taken apart.');
    throw error;
  }
}

const unread = (note: string): ShellText => ({ commands: [], redirections: [], notes: [note], whole: false });

class Reader {
  readonly #text: string;
  readonly #commands: ShellCommand[] = [];
  readonly #redirections: string[] = [];
  readonly #notes = new Set<string>();
  #whole = true;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ShellText {
    this.#visit(parse(this.#text));
    return { commands: this.#commands, redirections: this.#redirections, notes: [...this.#notes], whole: this.#whole };
  }

  #visit(node: SyntaxNode): void {
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX) {
      this.#unclear('It is too deep to be taken apart.');
      return;
    }
    if (node.type === 'Script' && (node.errors?.length ?? 0) > 0)
      this.#unclear('Some of it is no shell text that we understand.');
    if (node.type === 'Command' && node.name !== undefined) this.#command(node);
    if (node.type === 'Redirect' || node.type === 'HereString' || node.type === 'HereDoc') this.#redirect(node);
    if (node.type === 'Statement' && node.background) this.#notes.add('Some of it goes on in the background.');
    if (node.type === 'Pipeline' && node.commands.length > 1)
      this.#notes.add('What one program prints goes into the next (|).');
    if (node.type === 'Function')
      this.#unclear('It gives names to pieces of shell text, so a name may stand for something else.');
    if (node.type === 'Assignment') this.#assign(node.name ?? '');
    forEachChild(node, (child) => this.#visit(child));
  }

  #assign(name: string): void {
    this.#notes.add(`It sets the variable ${name}.`);
    if (steers(name)) this.#unclear('By that variable programs load or start others.');
  }

  #command(node: Extract<SyntaxNode, { type: 'Command' }>): void {
    const words = [
      ...(node.name === undefined ? [] : [node.name]),
      ...node.args.filter((each): each is Word => each.type === 'Word'),
    ];
    const argv = words.map(literal);
    if (argv[0] === null) this.#unclear('Which program is started is known on the server only.');
    this.#commands.push({ argv, text: words.map(({ text }) => text).join(' ') });
  }

  #redirect(node: Redirection): void {
    if (node.type !== 'Redirect') {
      this.#notes.add('Some of it is given a text to read (<<).');
      return;
    }
    const target = node.target === undefined ? null : literal(node.target);
    if (/^[<>]&$/.test(node.operator) && target !== null && /^(\d+|-)$/.test(target)) return;
    if (target === '/dev/null') return;
    const verb = node.operator === '<' || node.operator === '<&' ? 'reads from' : 'writes into';
    this.#redirections.push(`It ${verb} ${target ?? 'a file that is known on the server only'} (${node.operator}).`);
  }

  #unclear(note: string): void {
    this.#whole = false;
    this.#notes.add(note);
  }
}

/** What a word is when nothing on the server changes it; `null` when something does. */
function literal(word: Word): string | null {
  const isPlain = (word.parts ?? []).every((part) => {
    if (part.type === 'DoubleQuoted' || part.type === 'LocaleString')
      return part.parts.every((inner) => inner.type === 'Literal');
    return part.type === 'Literal' || part.type === 'SingleQuoted' || part.type === 'AnsiCQuoted';
  });
  return isPlain ? word.value : null;
}
