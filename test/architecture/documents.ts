/** The project's own pages, taken apart: prose, links, examples. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.ts';

export interface Block {
  /** What stands behind the three backticks: `yaml`, `sh`. */
  readonly language: string;
  readonly text: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
}

export interface Document {
  /** Relative to the project's folder: `docs/architecture.md`. */
  readonly path: string;
  readonly text: string;
  /** The text with every line of a block emptied, so that line numbers stay. */
  readonly prose: string;
  readonly blocks: readonly Block[];
}

/** Every file that git tracks, or would, relative to the project's folder. */
export const trackedFiles: readonly string[] = [
  ...new Set(
    execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && existsSync(join(root, path))),
  ),
];

/** The pages for users and contributors. */
export const documents: readonly Document[] = trackedFiles
  .filter((path) => /^([A-Z]+\.md|docs\/.*\.md)$/.test(path))
  .map(readDocument);

/** One page. Throws when there is none. */
export function documentAt(path: string): Document {
  const found = documents.find((it) => it.path === path);
  if (!found) throw new Error(`there is no ${path}`);
  return found;
}

/** The blocks of a page in one language. */
export function blocksIn(path: string, language: string): readonly Block[] {
  return documentAt(path).blocks.filter((block) => block.language === language);
}

/** The cells of every table row of a page that begins with a name in backticks, without its backticks. */
export function tableRows(path: string): readonly (readonly string[])[] {
  return documentAt(path)
    .prose.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

/** The names in backticks of a text. */
export function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}

/** What a heading is called in a link, as GitHub does it. */
export function anchorsOf({ prose }: Document): string[] {
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function readDocument(path: string): Document {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { language: string; line: number; lines: string[] } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*```(\w*)$/.exec(line);
    if (open === null && fence) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else if (open !== null && fence) {
      blocks.push({ language: open.language, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = null;
    } else if (open !== null) open.lines.push(line);
    prose.push(open === null && !fence ? line : '');
  }
  return { path, text, prose: prose.join('\n'), blocks };
}
