/** The playbooks of a folder: `<area>/<name>.yaml` at any depth. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PlacedProblem, parsePlaybook } from './parse.ts';
import type { Playbook } from './playbook.ts';

/** Where the built-in playbooks are. */
export const libraryFolder = fileURLToPath(new URL('../library', import.meta.url));

/**
 * Reads every playbook below a folder. A file with problems is left out and its problems are returned; so is the second file
 * with an id that is taken. Rejects when the folder cannot be read.
 */
export async function loadLibrary(
  folder: string = libraryFolder,
): Promise<{ readonly playbooks: ReadonlyMap<string, Playbook>; readonly problems: readonly PlacedProblem[] }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const playbooks = new Map<string, Playbook>();
  const problems: PlacedProblem[] = [];
  for (const path of files) {
    const file = relative(folder, path);
    const parsed = parsePlaybook(await readFile(path, 'utf8'), { file });
    if (parsed.problems) problems.push(...parsed.problems);
    else if (playbooks.has(parsed.playbook.id))
      problems.push({ file, line: 1, column: 1, message: `another file has the id ${parsed.playbook.id} too` });
    else playbooks.set(parsed.playbook.id, parsed.playbook);
  }
  return { playbooks, problems };
}
