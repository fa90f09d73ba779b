/** Sets a value in a JSON or YAML file by changing only the characters of that value. */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, isSeq, type Node, parseDocument, Scalar, type YAMLMap } from 'yaml';
import { cannotSet, type Edited, type Setting, splice } from './edit.ts';

export type TreeFormat = 'json' | 'yaml';

type Key = string | number;

/**
 * `section` is the path to the object, its names parted by dots (`\.` for a dot in a name, numbers for places in a list). The
 * value keeps the type of the present one; a new key takes `true`, `5` and `null` as such and everything else as text.
 */
export function setTree(format: TreeFormat, text: string, { section, key, value }: Setting): Edited {
  const document = parseTree(format, text);
  const path = treePath(section ?? '', document);
  const parent = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(parent)) throw cannotSet(`section: ${section ?? 'the top of the file'} is no object with keys`);
  const pair = parent.items.find((item) => keyText(item.key) === key);
  const edited = pair
    ? replaceValue(format, text, pair.value as Node | null, key, value)
    : insertPair(format, text, parent, key, value);
  const wanted = unfolded(document);
  const holder = path.reduce((part: unknown, step) => (part as Record<Key, unknown>)[step], wanted) as Record<
    string,
    unknown
  >;
  holder[key] = edited.data;
  let found: unknown;
  try {
    found = parseTree(format, edited.text).toJS();
  } catch {
    found = undefined;
  }
  if (!isDeepStrictEqual(found, wanted))
    throw cannotSet('key: it cannot be set without changing more of the file; use write_file');
  return { text: edited.text, before: edited.before };
}

/** Why a text is not JSON or YAML, with line and column where known; `null` when it is. */
export function treeProblem(format: TreeFormat, text: string): string | null {
  try {
    parseTree(format, text);
    return null;
  } catch (error) {
    if (error instanceof Error) return error.message.replace(/^The input does not fit: (path: )?/, '');
    throw error;
  }
}

function parseTree(format: TreeFormat, text: string): Document.Parsed {
  if (format === 'json') {
    try {
      JSON.parse(text);
    } catch (error) {
      // The rest of the message quotes the file, which may hold secrets.
      const where = /\(line \d+ column \d+\)/.exec(error instanceof Error ? error.message : '')?.[0];
      throw cannotSet(`path: the file is not JSON${where === undefined ? '' : ` ${where}`}`);
    }
  }
  const document = parseDocument(text, { keepSourceTokens: true, prettyErrors: true, uniqueKeys: format === 'yaml' });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw cannotSet(`path: the file is not ${format.toUpperCase()}: ${problem.message.split('\n')[0]}`);
  return document;
}

function treePath(section: string, document: Document.Parsed): Key[] {
  if (section === '') return [];
  const names = (section.match(/(?:\\.|[^.\\])+/g) ?? []).map((name) => name.replace(/\\(.)/g, '$1'));
  const path: Key[] = [];
  for (const name of names) {
    const here = path.length === 0 ? document.contents : document.getIn(path, true);
    if (isSeq(here) && /^\d+$/.test(name)) path.push(Number(name));
    else path.push(name);
    if (document.getIn(path, true) === undefined) throw cannotSet(`section: there is no ${path.join('.')} in the file`);
  }
  return path;
}

/** Aliases of aliases grow without end; the parser stops at some point. */
function unfolded(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch (error) {
    if (error instanceof ReferenceError) throw cannotSet('path: the file has too many aliases; use write_file');
    throw error;
  }
}

type Change = Edited & { readonly data: unknown };

function replaceValue(format: TreeFormat, text: string, node: Node | null, key: string, value: string): Change {
  if (node === null || !isScalar(node) || !node.range)
    throw cannotSet(`key: ${key} is no single value; use write_file`);
  if (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL)
    throw cannotSet(`key: ${key} is a text of several lines; use write_file`);
  const data = typed(node.value, value, key);
  const [from, to] = node.range;
  // An empty YAML value has no characters of its own; a blank parts the new ones from the colon.
  const blank = from === to && text[from - 1] === ':' ? ' ' : '';
  const written = `${blank}${write(format, data, node.type)}`;
  return { text: splice(text, from, to, written), before: text.slice(from, to), data };
}

function insertPair(format: TreeFormat, text: string, parent: YAMLMap, key: string, value: string): Change {
  const data = literal(value);
  const written = write(format, data, undefined);
  const name = format === 'json' || !/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? JSON.stringify(key) : key;
  const last = parent.items.at(-1);
  const lastKey = last?.key as Node | undefined;
  if (parent.flow || last === undefined) {
    if (!parent.range) throw cannotSet('section: the object has no place in the file; use write_file');
    const lastValue = (last?.value ?? last?.key) as Node | undefined;
    if (lastValue?.range && lastKey?.range) {
      const indent = indentAt(text, lastKey.range[0]);
      const gap = indent === null ? ' ' : `\n${indent}`;
      return {
        text: splice(text, lastValue.range[1], lastValue.range[1], `,${gap}${name}: ${written}`),
        before: null,
        data,
      };
    }
    const open = text.indexOf('{', parent.range[0]);
    if (open < 0) throw cannotSet('section: the object is empty; use write_file');
    return { text: splice(text, open + 1, open + 1, `${name}: ${written}`), before: null, data };
  }
  if (!lastKey?.range) throw cannotSet('section: the object has no place in the file; use write_file');
  const indent = indentAt(text, lastKey.range[0]) ?? ' '.repeat(columnAt(text, lastKey.range[0]));
  const end = endOfPair(text, (last.value ?? last.key) as Node);
  const before = end > 0 && text[end - 1] !== '\n' ? '\n' : '';
  return { text: splice(text, end, end, `${before}${indent}${name}: ${written}\n`), before: null, data };
}

/** Behind the line on which the last character of a pair stands. */
function endOfPair(text: string, value: Node): number {
  const [, end = 0] = value.range ?? [];
  // A block value ends behind its last line break already.
  const newline = text[end - 1] === '\n' ? end - 1 : text.indexOf('\n', end);
  return newline < 0 ? text.length : newline + 1;
}

/** The new value with the type of the present one. */
function typed(present: unknown, value: string, key: string): unknown {
  if (typeof present === 'string') return value;
  const data = literal(value);
  if (present === null || present === undefined || typeof data === typeof present || data === null) return data;
  throw cannotSet(`value: ${key} is a ${typeof present} now, and this is none`);
}

function literal(value: string): unknown {
  if (/^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/.test(value)) return JSON.parse(value);
  return value;
}

function write(format: TreeFormat, data: unknown, style: string | undefined | null): string {
  if (typeof data !== 'string' || format === 'json') return JSON.stringify(data);
  if (style === Scalar.QUOTE_SINGLE) return `'${data.replaceAll("'", "''")}'`;
  if (style === Scalar.QUOTE_DOUBLE || !plainIsSame(data)) return JSON.stringify(data);
  return data;
}

/** Whether a text means itself when it stands in YAML without quotes, in a list in brackets too. */
function plainIsSame(text: string): boolean {
  if (text === '' || text !== text.trim() || /[,[\]{}#]|: |:$/.test(text)) return false;
  const document = parseDocument(`a: ${text}`);
  return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), { a: text });
}

function keyText(key: unknown): string | null {
  return isScalar(key) ? String(key.value) : null;
}

/** Blanks before an offset when nothing else stands before it on its line. */
function indentAt(text: string, offset: number): string | null {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(start, offset);
  return before.trim() === '' && start > 0 ? before : null;
}

function columnAt(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}
