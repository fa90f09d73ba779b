/** The regular files below a folder. Links are not followed and other file systems not entered. */
import { type Dirent, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { fault } from '@countersign/protocol';
import { deniedBecause, type Roots } from './files.ts';
import { orNull } from './look.ts';

const DEPTH_MAX = 40;

/**
 * Paths of files, folder by folder, in the order of their names. A file itself counts as a folder with one file. What is denied
 * below is passed over. Throws `path_denied` and `file_not_found` for the path itself.
 */
export function* filesBelow(path: string, roots: Roots): Generator<string> {
  const asked = deniedBecause(path, roots);
  if (asked !== undefined) throw fault('path_denied', { path, reason: asked });
  const real = realPathOf(path);
  const reason = deniedBecause(real, roots);
  if (reason !== undefined) throw fault('path_denied', { path, reason });
  const { dev } = lstatSync(real);
  if (!lstatSync(real).isDirectory()) yield real;
  else yield* walk(real, dev, roots, 0);
}

function* walk(folder: string, dev: number, roots: Roots, depth: number): Generator<string> {
  const entries = entriesOf(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) if (entry.isFile()) yield `${folder === '/' ? '' : folder}/${entry.name}`;
  if (depth >= DEPTH_MAX) return;
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const path = `${folder === '/' ? '' : folder}/${entry.name}`;
    if (deniedBecause(path, roots) !== undefined || deviceOf(path) !== dev) continue;
    yield* walk(path, dev, roots, depth + 1);
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw fault('file_not_found', { path }, error);
    throw error;
  }
}

/** Nothing for a folder that is gone or not ours to read. */
function entriesOf(folder: string): Dirent[] {
  return orNull(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function deviceOf(path: string): number | null {
  return lstatSync(path, { throwIfNoEntry: false })?.dev ?? null;
}
