/**
 * Old files of a temporary folder are not deleted but moved aside on the same file system, into a folder that only root can
 * enter. They come back on undo; after a day the next run deletes them. What was moved where is written down before it is moved.
 */
import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { type Clock, delay, fault } from '@countersign/protocol';
import { z } from 'zod';
import { isMissing } from './own-files.ts';
import { TakenLists } from './taken-list.ts';
import { inFolderOf, type MetFile, type OpenFolder, openFolder, walkFiles } from './walk-folder.ts';

export const QUARANTINE = '.countersign-quarantine';
/** How long files stay in quarantine at least. */
export const QUARANTINE_MS = 86_400_000;
const LIST_BYTES_MAX = 256 * 1024 * 1024;

/** Folders that programs keep sockets and locks in, or that belong to units with a /tmp of their own. Source: tmpfiles.d(5), x11.conf. */
const LEFT_ALONE =
  /^(systemd-private-.*|snap-private-tmp|\.X11-unix|\.ICE-unix|\.XIM-unix|\.font-unix|\.Test-unix|lost\+found)$/;

export interface OldFiles {
  readonly root: string;
  /** Not read and not changed since, milliseconds since 1970. */
  readonly before: number;
  readonly maxFiles: number;
  /** `dev:ino` of files that are open. */
  readonly open: ReadonlySet<string>;
  /** Which files count; all unless told. */
  readonly isMeant?: (file: MetFile) => boolean;
}

export interface Tally {
  files: number;
  bytes: number;
  /** Whether there were more than `maxFiles`. */
  more: boolean;
}

const movedSchema = z.object({ number: z.int(), relative: z.array(z.string()), bytes: z.number() });
const lists = new TakenLists('quarantine', movedSchema, LIST_BYTES_MAX);

/** Counts what {@link quarantineOld} would move. Throws the system's error when the root cannot be opened. */
export async function countOld(old: OldFiles, clock: Clock, signal: AbortSignal): Promise<Tally> {
  const tally: Tally = { files: 0, bytes: 0, more: false };
  using root = openFolder(old.root);
  for await (const file of oldFiles(root, old, tally, clock, signal)) tally.bytes += Number(file.stat.blocks) * 512;
  return tally;
}

/** Moves old files aside. `name` names this move; `stateDir` holds the list of it. */
export async function quarantineOld(
  old: OldFiles,
  { stateDir, name }: { readonly stateDir: string; readonly name: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<Tally> {
  const tally: Tally = { files: 0, bytes: 0, more: false };
  using root = openFolder(old.root);
  using aside = openAside(root, old.root, name);
  using list = lists.begin(stateDir, name, { root: old.root, at: clock.now() });
  let number = 0;
  for await (const file of oldFiles(root, old, tally, clock, signal)) {
    number += 1;
    const bytes = Number(file.stat.blocks) * 512;
    list.add([{ number, relative: [...file.relative], bytes }], { sync: number % 100 === 0 });
    if (moveAside(file, `${aside.path}/${number}`)) tally.bytes += bytes;
    else tally.files -= 1;
  }
  list.end(tally);
  return tally;
}

/** Moves everything of one move back to where it was. Counts what could not be, because something else is there now. */
export function restoreQuarantined(
  stateDir: string,
  name: string,
): { readonly restored: number; readonly left: number } {
  const { head, taken } = lists.read(stateDir, name);
  if (head === null) return { restored: 0, left: 0 };
  using root = openFolder(head.root);
  using aside = openAside(root, head.root, name);
  let restored = 0;
  let left = 0;
  for (const { number, relative } of taken) {
    if (lstatSync(`${aside.path}/${number}`, { throwIfNoEntry: false }) === undefined) continue;
    if (moveBack(root, relative, `${aside.path}/${number}`)) restored += 1;
    else left += 1;
  }
  return { restored, left };
}

/** How a move ended that a crash cut off: what was counted when it was finished, `null` when it was not. */
export function findQuarantine(
  stateDir: string,
  name: string,
): { readonly files: number; readonly bytes: number } | null {
  return lists.read(stateDir, name).end;
}

/** Deletes for good what has lain in quarantine long enough, all roots. Returns how much room that gave back. */
export function purgeQuarantines(stateDir: string, clock: Clock): { readonly files: number; readonly bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const name of lists.names(stateDir)) {
    const { head, taken } = lists.read(stateDir, name);
    if (head !== null && clock.now() - head.at < QUARANTINE_MS) continue;
    if (head !== null) {
      removeAside(head.root, name);
      files += taken.length;
      bytes += taken.reduce((sum, each) => sum + each.bytes, 0);
    }
    lists.forget(stateDir, name);
  }
  return { files, bytes };
}

/** Files below a root that nobody has open or used lately, counted in `tally`. */
export async function* oldFiles(
  root: OpenFolder,
  old: OldFiles,
  tally: Tally,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<MetFile> {
  const enter = (relative: readonly string[]) => {
    const [first = ''] = relative;
    return relative.length > 1 || (first !== QUARANTINE && !LEFT_ALONE.test(first));
  };
  let met = 0;
  for (const file of walkFiles(root, enter)) {
    met += 1;
    // The runner has a socket to listen to meanwhile.
    if (met % 500 === 0) await delay(clock, 0, signal);
    const used = Math.max(Number(file.stat.mtimeMs), Number(file.stat.atimeMs));
    if (used >= old.before || old.open.has(`${file.stat.dev}:${file.stat.ino}`)) continue;
    if (old.isMeant?.(file) === false) continue;
    if (tally.files >= old.maxFiles) {
      tally.more = true;
      return;
    }
    tally.files += 1;
    yield file;
  }
}

/** The folder of one move inside of the quarantine of a root. Throws `precondition_failed` when strangers can get at it. */
function openAside(root: OpenFolder, rootPath: string, name: string): OpenFolder {
  makeFolder(`${root.path}/${QUARANTINE}`);
  using all = openFolder(`${root.path}/${QUARANTINE}`);
  const self = BigInt(process.geteuid?.() ?? 0);
  if (all.stat.uid !== self || (all.stat.mode & 0o077n) !== 0n)
    throw fault('precondition_failed', { reason: `${rootPath}/${QUARANTINE} belongs to somebody else` });
  makeFolder(`${all.path}/${name}`);
  return openFolder(`${all.path}/${name}`);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Whether the very file that was met is aside now. Another one that took its name meanwhile is put back. */
function moveAside(file: MetFile, target: string): boolean {
  try {
    renameSync(`${file.folder}/${file.name}`, target);
  } catch (error) {
    // Gone meanwhile, or a file that is mounted there from elsewhere.
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EXDEV', 'EBUSY'].includes(String(error.code)))
      return false;
    throw error;
  }
  const moved = lstatSync(target, { bigint: true });
  if (moved.ino === file.stat.ino && moved.isFile()) return true;
  renameSync(target, `${file.folder}/${file.name}`);
  return false;
}

/** Never over something else: a link is made first, which fails when the name is taken. */
function moveBack(root: OpenFolder, relative: readonly string[], from: string): boolean {
  const outcome = inFolderOf(root, relative, (folder, name) => {
    linkSync(from, `${folder}/${name}`);
    unlinkSync(from);
    return true;
  });
  return outcome === true;
}

function removeAside(rootPath: string, name: string): void {
  try {
    using root = openFolder(rootPath);
    using all = openFolder(`${root.path}/${QUARANTINE}`);
    if (all.stat.uid !== BigInt(process.geteuid?.() ?? 0)) return;
    rmSync(`${all.path}/${name}`, { recursive: true, force: true });
    if (readdirSync(all.path).length === 0) rmdirSync(`${root.path}/${QUARANTINE}`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
