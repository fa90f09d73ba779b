/** The playbooks of a folder: `<area>/<name>.yaml` at any depth. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parsePlaybook } from './parse.ts';
import type { PlacedProblem } from './parse-yaml.ts';
import type { Playbook } from './playbook.ts';

/** Where the built-in playbooks are. */
export const libraryFolder = fileURLToPath(new URL('../library', import.meta.url));

/** How the file ends that holds the cases of a playbook (`countersign playbook test`). It is no playbook itself. */
export const CASES_ENDING = '.test.yaml';

/** The files below a folder that hold playbooks, sorted. Links are not followed. Rejects when the folder cannot be read. */
export async function playbookFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml') && !entry.name.endsWith(CASES_ENDING))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Reads every playbook below a folder. A file with problems is left out and its problems are returned; so is the second file
 * with an id that is taken. Rejects when the folder cannot be read.
 */
export async function loadLibrary(
  folder: string = libraryFolder,
): Promise<{ readonly playbooks: ReadonlyMap<string, Playbook>; readonly problems: readonly PlacedProblem[] }> {
  const playbooks = new Map<string, Playbook>();
  const problems: PlacedProblem[] = [];
  for (const path of await playbookFiles(folder)) {
    const file = relative(folder, path);
    const parsed = parsePlaybook(await readFile(path, 'utf8'), { file });
    if (parsed.problems) problems.push(...parsed.problems);
    else if (playbooks.has(parsed.playbook.id)) problems.push(idTaken(file, parsed.playbook.id));
    else playbooks.set(parsed.playbook.id, parsed.playbook);
  }
  return { playbooks, problems };
}

/** Of two files with one id the second is left out. */
export function idTaken(file: string, id: string): PlacedProblem {
  return { file, line: 1, column: 1, message: `another file has the id ${id} too` };
}
