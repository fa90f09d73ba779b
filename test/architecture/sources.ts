/** The project's own sources, parsed: what each file imports, touches and holds. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

export const root = resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** Relative to the project's folder: `agent/src/link/dial.ts`. */
  readonly path: string;
  readonly lines: number;
  /** Files of ours that it imports, relative to the project's folder; type-only imports are marked. */
  readonly imports: readonly { readonly path: string; readonly typeOnly: boolean }[];
  /** Packages that it imports, without subpaths: `ws`, `@modelcontextprotocol/server`. */
  readonly packages: readonly string[];
  readonly functions: readonly { readonly name: string; readonly line: number; readonly lines: number }[];
  /** Uses of `Date.now`, `Math.random`, `process.env` and the like: `Date.now`, or `setTimeout` for a call. */
  readonly globals: ReadonlySet<string>;
  readonly emptyCatches: number;
}

/** All TypeScript sources that git tracks, or would. */
export function sourceFiles(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n'))]
    .filter((path) => path !== '' && !path.endsWith('.d.ts') && !path.includes('.gen.'))
    .flatMap(readSource);
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

function readSource(path: string): SourceFile[] {
  let text: string;
  try {
    text = readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // deleted, but not yet in the index
    throw error;
  }
  const program = parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node;
  const found = {
    imports: [] as { path: string; typeOnly: boolean }[],
    packages: new Set<string>(),
    functions: [] as { name: string; line: number; lines: number }[],
    globals: new Set<string>(),
    emptyCatches: 0,
  };
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  visit(program, (node, parent) => {
    const from = (node.source as { value?: unknown } | null | undefined)?.value;
    if (/^(Import|Export)/.test(node.type) && typeof from === 'string')
      noteImport(path, from, node.importKind === 'type' || node.exportKind === 'type', found);
    if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type))
      found.functions.push({
        name: nameOf(node, parent),
        line: lineOf(node.start),
        lines: lineOf(node.end) - lineOf(node.start) + 1,
      });
    if (node.type === 'MemberExpression') found.globals.add(text.slice(node.start, node.end));
    if (node.type === 'CallExpression')
      found.globals.add(text.slice((node.callee as Node).start, (node.callee as Node).end));
    if (
      node.type === 'CatchClause' &&
      text.slice((node.body as Node).start, (node.body as Node).end).replace(/[{}\s]/g, '') === ''
    )
      found.emptyCatches += 1;
  });
  return [{ path, lines: text.split('\n').length, ...found, packages: [...found.packages] }];
}

function noteImport(
  path: string,
  from: string,
  typeOnly: boolean,
  found: { imports: { path: string; typeOnly: boolean }[]; packages: Set<string> },
) {
  const own = /^@countersign\/([^/]+)(?:\/(.+))?$/.exec(from);
  if (own) found.imports.push({ path: `${own[1]}/src/${own[2] ?? 'index'}.ts`, typeOnly });
  else if (from.startsWith('.')) found.imports.push({ path: join(dirname(path), from), typeOnly });
  else found.packages.add(from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : (from.split('/')[0] ?? from));
}

function nameOf(node: Node, parent: Node | undefined): string {
  const own = (node.id as { name?: string } | null | undefined)?.name;
  const given = ((parent?.id ?? parent?.key) as { name?: string } | null | undefined)?.name;
  return own ?? given ?? '(anonymous)';
}

function visit(node: Node, see: (node: Node, parent: Node | undefined) => void, parent?: Node) {
  see(node, parent);
  for (const member of Object.values(node)) {
    for (const child of Array.isArray(member) ? member : [member]) {
      if (child !== null && typeof child === 'object' && typeof (child as Node).type === 'string')
        visit(child as Node, see, node);
    }
  }
}
