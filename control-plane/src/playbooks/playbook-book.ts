/**
 * The playbooks in force: the built-in ones, and those in the owner's folders, read again when a file changes. Every version is
 * kept with who changed it, and each change stands in the audit log (threat T20).
 */
import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  formatProblem,
  idTaken,
  libraryFolder,
  type ParsedPlaybook,
  type PlacedProblem,
  type Playbook,
  playbookFiles,
} from '@countersign/playbooks';
import { noteOffered } from '../audit/note-offered.ts';
import { loop } from '../loop.ts';
import type { Core } from '../ports.ts';
import { ownerName, type PlaybookFileFacts } from './file-owner.ts';
import { openParsedBefore, type ParsedBefore } from './parsed-before.ts';
import { saveVersions } from './playbook-version.store.ts';

export interface PlaybookBook extends AsyncDisposable {
  /** By id. The same map all the time, with the playbooks of the last look in it. */
  readonly playbooks: ReadonlyMap<string, Playbook>;
  /** What is wrong with files as they are now. A playbook whose file got broken stays in force as it was. */
  problems(): readonly PlacedProblem[];
  /** Looks at the files now. */
  look(): Promise<void>;
}

/** A playbook and the file that it comes from. */
export interface Entry {
  readonly playbook: Playbook;
  readonly file: PlaybookFileFacts;
}

const LOOK_EVERY_MS = 1000;

/**
 * Opens the folders. One that is not there counts as empty, and is read once it is. `remembered`: where what was parsed is kept for
 * the next start.
 */
export async function openPlaybooks(
  core: Core,
  { folders, remembered = null }: { readonly folders: readonly string[]; readonly remembered?: string | null },
): Promise<PlaybookBook> {
  const playbooks = new Map<string, Playbook>();
  const parsed = openParsedBefore(remembered);
  let seen = '';
  let entries: readonly Entry[] = [];
  let problems: readonly PlacedProblem[] = [];
  const look = async () => {
    const files = (await Promise.all([libraryFolder, ...folders].map(filesOf))).flat();
    const now = files.map((it) => `${it.path} ${it.changedAt} ${it.bytes} ${it.openToAll}`).join('\n');
    if (now === seen) return;
    const found = await readAll(files, entries, parsed.parse);
    for (const problem of found.problems) core.log.error('playbook.invalid', { problem: formatProblem(problem) });
    [seen, entries, problems] = [now, found.entries, found.problems];
    playbooks.clear();
    for (const { playbook } of entries) playbooks.set(playbook.id, playbook);
    await record(core, entries);
    // Nobody waits for it: without it the next start takes longer.
    parsed.save().catch((error: unknown) => core.log.info('playbooks.not_remembered', { error: String(error) }));
  };
  await look();
  const stop = loop(core, { everyMs: LOOK_EVERY_MS, failed: 'playbook.look_failed' }, look);
  return { playbooks, problems: () => problems, look, [Symbol.asyncDispose]: stop };
}

/** The files below a folder that a playbook may be read from. */
async function filesOf(folder: string): Promise<PlaybookFileFacts[]> {
  const paths = await playbookFiles(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const builtIn = folder === libraryFolder;
  // Those that came with the program are beside it on disk: to ask at once costs far less than the way to a thread and back for each.
  const ask = async (path: string) => (builtIn ? statSync(path) : stat(path));
  const statOf = once(ask);
  const facts = paths.map(async (path) => {
    const { mtimeMs, size, uid, mode } = await ask(path);
    // Who may write into a folder puts files of his own there, under any name.
    const within = await statOf(dirname(path));
    const openToAll = (mode & 0o002) !== 0 ? path : (within.mode & 0o002) !== 0 ? dirname(path) : null;
    return { path, builtIn, changedAt: Math.round(mtimeMs), bytes: size, uid, openToAll };
  });
  return Promise.all(facts);
}

/** Asks once for each path: many files are in the same folder, and this goes on every second. */
function once<T>(ask: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const asked = new Map<string, Promise<T>>();
  return (path) => {
    const answer = asked.get(path) ?? ask(path);
    asked.set(path, answer);
    return answer;
  };
}

/** The first file with an id wins, so no file of an owner takes the place of a built-in playbook. */
async function readAll(files: readonly PlaybookFileFacts[], before: readonly Entry[], parse: ParsedBefore['parse']) {
  const entries: Entry[] = [];
  const problems: PlacedProblem[] = [];
  for (const file of files) {
    const read = await readOne(file, parse);
    const playbook = read.playbook ?? before.find((it) => it.file.path === file.path)?.playbook;
    problems.push(...(read.problems ?? []));
    if (playbook === undefined) continue;
    if (entries.some((it) => it.playbook.id === playbook.id)) problems.push(idTaken(file.path, playbook.id));
    else entries.push({ playbook, file });
  }
  return { entries, problems };
}

async function readOne(file: PlaybookFileFacts, parse: ParsedBefore['parse']): Promise<Partial<ParsedPlaybook>> {
  const place = { file: file.path, line: 1, column: 1 };
  if (!file.builtIn && file.openToAll !== null) {
    const what = file.openToAll === file.path ? 'it' : 'into its folder';
    return { problems: [{ ...place, message: `anybody may write ${what}: chmod o-w ${basename(file.openToAll)}` }] };
  }
  return readFile(file.path, 'utf8').then(
    (text) => parse(text, { file: file.path }),
    (error: Error) => ({ problems: [{ ...place, message: error.message }] }),
  );
}

async function record(core: Core, entries: readonly Entry[]): Promise<void> {
  const offered = entries.map(({ playbook }) => [playbook.id, playbook.sha256] as const);
  const versions = await Promise.all(
    entries.map(async ({ playbook, file }) => ({
      ...{ playbook: playbook.id, sha256: playbook.sha256, version: playbook.version, yaml: playbook.yaml },
      source: file.builtIn ? 'built in' : file.path,
      changed_by: file.builtIn ? null : await ownerName(file.uid),
      changed_at: file.builtIn ? null : file.changedAt,
    })),
  );
  await saveVersions(core, versions);
  await noteOffered(core, 'playbooks', Object.fromEntries(offered));
}
