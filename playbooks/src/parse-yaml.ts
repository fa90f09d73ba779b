/** From the text of a YAML file to a value of a given form. Every problem names its line and column. YAML itself is known only here. */
import { Alias, type Document, isMap, isNode, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';

/** Lines and columns count from 1. */
export interface PlacedProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A problem and where it is: the path of keys and indexes from the top of the file. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The longest file, characters. */
const TEXT_MAX = 64 * 1024;

/**
 * Parses a text and holds it against a form, and the value against `judge`. `file` is only used to say where a problem is;
 * `what` names the thing: `a playbook`.
 */
export function parseYaml<S extends z.ZodType>(
  text: string,
  { file, schema, what, judge }: { file: string; schema: S; what: string; judge: (value: z.output<S>) => Problem[] },
):
  | { readonly value: z.output<S>; readonly problems?: undefined }
  | { readonly value?: undefined; readonly problems: readonly PlacedProblem[] } {
  const start = { file, line: 1, column: 1 };
  if (text.length > TEXT_MAX)
    return { problems: [{ ...start, message: `has ${text.length} characters, over the limit of ${TEXT_MAX}` }] };
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, schema: 'core', merge: false });
  const place = (offset: number, message: string): PlacedProblem => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const broken = [...document.errors, ...document.warnings].map((error) => place(error.pos[0], error.message));
  if (broken.length > 0) return { problems: broken };
  const aliases = aliasesIn(document);
  if (aliases.length > 0)
    return { problems: aliases.map((offset) => place(offset, `anchors and aliases cannot be used in ${what}`)) };

  const parsed = schema.safeParse(document.toJS());
  const problems = parsed.success
    ? judge(parsed.data)
    : parsed.error.issues.flatMap((issue) => problemsOfIssue(issue, what));
  if (!parsed.success || problems.length > 0)
    return { problems: problems.map((problem) => place(offsetOf(document, problem.path), sentence(problem))) };
  return { value: parsed.data };
}

/** `file:line:column: message`, the form that editors understand. */
export function formatProblem({ file, line, column, message }: PlacedProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

function sentence({ path, message }: Problem): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

function problemsOfIssue(issue: z.core.$ZodIssue, what: string): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: `is no member of ${what} here` }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const closest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
    const deeper = closest
      .flatMap((inner) => problemsOfIssue(inner, what))
      .map((problem) => ({ ...problem, path: [...path, ...problem.path] }));
    if (depth(closest) > 0 && deeper.length > 0) return deeper;
  }
  return [{ path, message: issue.message.endsWith('received undefined') ? 'is missing' : issue.message }];
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

/** Where a path begins: at the key of a member, else at the deepest node that is there. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isNode(item.key) && item.key.toJSON() === key);
      if (pair !== undefined && isNode(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function aliasesIn(document: Document.Parsed): number[] {
  const offsets: number[] = [];
  visit(document, {
    Node(_, node) {
      if (node instanceof Alias || ('anchor' in node && node.anchor !== undefined)) offsets.push(node.range?.[0] ?? 0);
    },
  });
  return offsets;
}
