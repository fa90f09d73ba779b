/** Sets a directive in an nginx configuration file. */
import { cannotSet, type Edited, type PathPart, parsePath, type Setting, splice } from './edit.ts';
import { type Directive, lineCounter, NginxSyntaxProblem, parseNginx, unquoteWord, wordsOf } from './nginx-syntax.ts';

/**
 * Sets the arguments of the directive `key` (`listen:2` is the second of its block) in the block that `section` names, counted
 * from the top of this file: `http.server[2].location[/api]`. A directive that is not there is added at the end of the block.
 */
export function setNginx(text: string, { section = '', key, value }: Setting): Edited {
  const words = wordsOf(value);
  if (words === null)
    throw cannotSet(
      'value: it would end the directive or begin another (;, {, } or #); quote it if it is meant as text',
    );
  const [, name = key, nth] = /^([^:]+):(\d+)$/.exec(key) ?? [];
  const directives = parsed(text);
  const block = findBlock(text, directives, parsePath(section));
  const found = block.directives.filter((directive) => directive.name === name);
  const chosen = choose(found, key, nth);
  const edited = chosen === null ? append(text, block, name, value) : replace(text, chosen, value);
  verify(text, edited.text, { name, words: words.map(({ raw }) => raw), added: chosen === null });
  return edited;
}

/** The path of the blocks around a line, in the form that {@link setNginx} takes, and the directive on the line. */
export function locateLine(
  text: string,
  line: number,
): { readonly section: string; readonly directive: Directive; readonly key: string } | null {
  const walk = (directives: readonly Directive[], path: string): ReturnType<typeof locateLine> => {
    const lineOf = lineCounter(text);
    for (const directive of directives) {
      const last = lineOf(directive.to);
      if (line < directive.line || line > last) continue;
      const inside = directive.block && walk(directive.block, join(path, stepTo(directives, directive)));
      if (inside) return inside;
      if (directive.line === line || directive.block === null)
        return { section: path, directive, key: keyOf(directives, directive) };
    }
    return null;
  };
  return walk(parsed(text), '');
}

interface Block {
  readonly directives: readonly Directive[];
  /** Where a further directive goes: before the closing bracket, or at the end of the file. */
  readonly end: number;
  readonly indent: string;
}

function parsed(text: string): Directive[] {
  try {
    return parseNginx(text);
  } catch (error) {
    if (error instanceof NginxSyntaxProblem)
      throw cannotSet(`path: line ${error.line} of the file has ${error.message}; mend it with write_file`);
    throw error;
  }
}

function findBlock(text: string, top: readonly Directive[], path: readonly PathPart[]): Block {
  let block: Block = { directives: top, end: text.length, indent: '' };
  for (const { name, selector } of path) {
    const blocks = block.directives.filter((directive) => directive.block !== null && directive.name === name);
    const fitting = selector === null ? blocks : selected(blocks, selector);
    const [one, another] = fitting;
    if (one === undefined)
      throw cannotSet(`section: there is no block ${name}${selector === null ? '' : `[${selector}]`}`);
    if (another !== undefined)
      throw cannotSet(
        `section: there are ${fitting.length} blocks ${name}; say which: ${fitting.map((each, index) => `${name}[${index + 1}] on line ${each.line}`).join(', ')}`,
      );
    block = { directives: one.block ?? [], end: one.blockEnd, indent: indentOf(text, one) };
  }
  return block;
}

function selected(blocks: readonly Directive[], selector: string): Directive[] {
  if (/^\d+$/.test(selector)) return blocks.slice(Number(selector) - 1, Number(selector));
  return blocks.filter(({ args }) => args.map(({ raw }) => unquoteWord(raw)).join(' ') === selector);
}

function choose(found: readonly Directive[], key: string, nth: string | undefined): Directive | null {
  if (nth !== undefined) {
    const one = found[Number(nth) - 1];
    if (one === undefined) throw cannotSet(`key: there are only ${found.length} of it, not ${key}`);
    return one;
  }
  if (found.length > 1)
    throw cannotSet(
      `key: it stands on lines ${found.map(({ line }) => line).join(', ')}; say which: ${key}:1 to ${key}:${found.length}`,
    );
  return found[0] ?? null;
}

function replace(text: string, { args, block, from, name }: Directive, value: string): Edited {
  if (block !== null) throw cannotSet(`key: ${name} is a block; name the directive in it`);
  const [first] = args;
  const last = args.at(-1);
  if (first === undefined || last === undefined) {
    const end = from + name.length;
    return { text: splice(text, end, end, value === '' ? '' : ` ${value}`), before: '' };
  }
  const start = value === '' ? from + name.length : first.from;
  return { text: splice(text, start, last.to, value), before: text.slice(first.from, last.to) };
}

function append(text: string, block: Block, name: string, value: string): Edited {
  const last = block.directives.at(-1);
  const indent = last ? indentOf(text, last) : block.end === text.length ? '' : `${block.indent}    `;
  const line = `${indent}${name}${value === '' ? '' : ` ${value}`};\n`;
  // Before the line of the closing bracket, when that stands alone on its line; else right before the bracket.
  const lineStart = text.lastIndexOf('\n', block.end - 1) + 1;
  const alone = text.slice(lineStart, block.end).trim() === '';
  if (alone) return { text: splice(text, lineStart, lineStart, line), before: null };
  return {
    text: splice(text, block.end, block.end, `\n${line}${block.end === text.length ? '' : block.indent}`),
    before: null,
  };
}

/** The file must read as before, but for the one directive. */
function verify(
  before: string,
  after: string,
  change: { name: string; words: readonly string[]; added: boolean },
): void {
  const flatBefore = flatten(parsed(before));
  const flatAfter = flatten(parsed(after));
  const gone = [...flatBefore];
  const fresh = flatAfter.filter((line) => {
    const at = gone.indexOf(line);
    if (at >= 0) gone.splice(at, 1);
    return at < 0;
  });
  const wanted = flatLine(change.name, change.words, false);
  const unchanged = fresh.length === 0 && gone.length === 0 && !change.added;
  const exact = fresh.length === 1 && gone.length === (change.added ? 0 : 1) && fresh[0]?.endsWith(wanted);
  if (!unchanged && !exact) throw cannotSet('value: it would change more than this one directive');
}

function flatten(directives: readonly Directive[], path = ''): string[] {
  return directives.flatMap((directive, index) => {
    const own = `${path}${flatLine(
      directive.name,
      directive.args.map(({ raw }) => raw),
      directive.block !== null,
    )}`;
    return [own, ...flatten(directive.block ?? [], `${path}${index}/`)];
  });
}

function flatLine(name: string, args: readonly string[], block: boolean): string {
  return `\u0000${JSON.stringify([name, ...args])}${block ? '{' : ';'}`;
}

function stepTo(siblings: readonly Directive[], directive: Directive): string {
  const alike = siblings.filter((other) => other.block !== null && other.name === directive.name);
  return alike.length === 1 ? directive.name : `${directive.name}[${alike.indexOf(directive) + 1}]`;
}

function keyOf(siblings: readonly Directive[], directive: Directive): string {
  const alike = siblings.filter((other) => other.name === directive.name);
  return alike.length === 1 ? directive.name : `${directive.name}:${alike.indexOf(directive) + 1}`;
}

function join(path: string, part: string): string {
  return path === '' ? part : `${path}.${part}`;
}

function indentOf(text: string, { from }: Directive): string {
  const start = text.lastIndexOf('\n', from - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, from))?.[0] ?? '';
}
