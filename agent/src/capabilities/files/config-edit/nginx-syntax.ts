/**
 * The syntax of nginx configuration files: words, `;`, `{`, `}`, comments. What a directive means is nginx's affair.
 * Source: ngx_conf_file.c, ngx_conf_read_token().
 */

export interface Word {
  /** As it stands in the file, quotes and all. Offsets are into the text. */
  readonly raw: string;
  readonly from: number;
  readonly to: number;
}

export interface Directive {
  readonly name: string;
  readonly args: readonly Word[];
  /** Line of the name, from 1. */
  readonly line: number;
  readonly from: number;
  /** Behind its `;` or `}`. */
  readonly to: number;
  /** The directives of its block; `null` when it ends with `;`. */
  readonly block: readonly Directive[] | null;
  /** Offset of the `}` of its block. */
  readonly blockEnd: number;
}

/** Why a file is none, with the line. */
export class NginxSyntaxProblem extends Error {
  override readonly name = 'NginxSyntaxProblem';
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

type Token = { readonly kind: 'word' | ';' | '{' | '}'; readonly from: number; readonly to: number };

/** Parses a file to its directives. Throws {@link NginxSyntaxProblem}. */
export function parseNginx(text: string): Directive[] {
  const tokens = [...tokensOf(text)];
  const lineOf = lineCounter(text);
  let next = 0;
  const block = (depth: number, opened: number): { directives: Directive[]; end: number } => {
    const directives: Directive[] = [];
    while (next < tokens.length) {
      const token = tokens[next] as Token;
      if (token.kind === '}') {
        if (depth === 0) throw new NginxSyntaxProblem('a } without a {', lineAt(text, token.from));
        next += 1;
        return { directives, end: token.from };
      }
      directives.push(directive(token, depth));
    }
    if (depth > 0) throw new NginxSyntaxProblem('a { that is not closed', lineAt(text, opened));
    return { directives, end: text.length };
  };
  const directive = (first: Token, depth: number): Directive => {
    const line = lineOf(first.from);
    if (first.kind !== 'word') throw new NginxSyntaxProblem(`a ${first.kind} where a directive begins`, line);
    const words: Word[] = [];
    for (; tokens[next]?.kind === 'word'; next += 1) {
      const { from, to } = tokens[next] as Token;
      words.push({ raw: text.slice(from, to), from, to });
    }
    const end = tokens[next];
    next += 1;
    if (end === undefined || end.kind === '}')
      throw new NginxSyntaxProblem('a directive that does not end with ;', line);
    const name = unquoteWord(words[0]?.raw ?? '');
    const common = { name, args: words.slice(1), line, from: first.from };
    if (end.kind === ';') return { ...common, to: end.to, block: null, blockEnd: end.to };
    const inside = block(depth + 1, end.from);
    return { ...common, to: inside.end + 1, block: inside.directives, blockEnd: inside.end };
  };
  return block(0, 0).directives;
}

/** The words of a value; `null` when it holds anything that would end the directive or begin another. */
export function wordsOf(value: string): Word[] | null {
  try {
    const tokens = [...tokensOf(value)];
    const words = tokens.map(({ from, to }) => ({ raw: value.slice(from, to), from, to }));
    const rest = words.reduceRight((left, { from, to }) => left.slice(0, from) + left.slice(to), value);
    // What no token covers is white space, or else a comment, which would swallow what follows on the line.
    return tokens.every(({ kind }) => kind === 'word') && rest.trim() === '' ? words : null;
  } catch (error) {
    if (error instanceof NginxSyntaxProblem) return null;
    throw error;
  }
}

/** A word without its quotes and escapes of quotes. */
export function unquoteWord(raw: string): string {
  return /^(["'])[\s\S]*\1$/.test(raw) ? raw.slice(1, -1).replace(/\\(["'\\])/g, '$1') : raw;
}

/** Number of the line that an offset is on, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** As {@link lineAt}, for offsets that only grow: a list of addresses may have many thousand lines. */
export function lineCounter(text: string): (offset: number) => number {
  let [line, newline] = [1, text.indexOf('\n')];
  return (offset) => {
    for (; newline >= 0 && newline < offset; newline = text.indexOf('\n', newline + 1)) line += 1;
    return line;
  };
}

function* tokensOf(text: string): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (/\s/.test(character)) at += 1;
    else if (character === '#') at = lineEnd(text, at);
    else if (character === ';' || character === '{' || character === '}') {
      yield { kind: character, from: at, to: at + 1 };
      at += 1;
    } else {
      const from = at;
      at = character === '"' || character === "'" ? quotedEnd(text, at) : bareEnd(text, at);
      yield { kind: 'word', from, to: at };
    }
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function quotedEnd(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) {
      const next = text[at + 1];
      if (next !== undefined && !/[\s;{)]/.test(next))
        throw new NginxSyntaxProblem('a quote followed by other text', lineAt(text, at));
      return at + 1;
    }
  }
  throw new NginxSyntaxProblem('a quote that is not closed', lineAt(text, from));
}

/** A bare word ends at white space, `;` and `{`, but not at the `{` of `${name}`. A `}` or `#` inside belongs to it. */
function bareEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '\\') at += 1;
    else if (character === '$' && text[at + 1] === '{') at += 1;
    else if (/[\s;{]/.test(character)) break;
  }
  return Math.min(at, text.length);
}
