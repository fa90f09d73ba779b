/**
 * Walks a folder that strangers can write to, such as /tmp. Every step goes by an open descriptor of the folder above and follows
 * no link, so that nobody can lead root elsewhere by swapping a folder for a link. Source: openat(2), proc_pid_fd(5).
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { orNull } from './look.ts';

const DEPTH_MAX = 64;

/** A regular file that was met. `folder` is only open until the walk goes on. */
export interface MetFile {
  /** A path by which the folder that holds it can be reached as long as the walk stands still. */
  readonly folder: string;
  readonly name: string;
  /** Names of the folders from the root to it, and its own. */
  readonly relative: readonly string[];
  readonly stat: BigIntStats;
}

/** An open folder. Close it. */
export interface OpenFolder extends Disposable {
  /** Path by which it can be reached while it is open. */
  readonly path: string;
  readonly stat: BigIntStats;
}

/** Opens a folder without following a link. Throws the system's error. */
export function openFolder(path: string): OpenFolder {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { path: `/proc/self/fd/${fd}`, stat: fstatSync(fd, { bigint: true }), [Symbol.dispose]: () => closeSync(fd) };
}

/**
 * The regular files below an open folder on the same file system, in no order. `enter` says by its relative names whether a
 * folder is gone into. What vanishes meanwhile is passed over. Only folders are told apart by their device: on an overlay the
 * files of one file system have several.
 */
export function* walkFiles(root: OpenFolder, enter: (relative: readonly string[]) => boolean): Generator<MetFile> {
  yield* walk(root, root.stat.dev, [], enter);
}

function* walk(
  folder: OpenFolder,
  device: bigint,
  relative: readonly string[],
  enter: (relative: readonly string[]) => boolean,
): Generator<MetFile> {
  for (const name of readdirSync(folder.path)) {
    const stat = lstatSync(`${folder.path}/${name}`, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) continue;
    const names = [...relative, name];
    if (stat.isFile()) yield { folder: folder.path, name, relative: names, stat };
    else if (stat.isDirectory() && relative.length < DEPTH_MAX && enter(names)) {
      const below = orNull(() => openFolder(`${folder.path}/${name}`));
      if (below === null) continue;
      try {
        if (below.stat.dev === device) yield* walk(below, device, names, enter);
      } finally {
        below[Symbol.dispose]();
      }
    }
  }
}

/**
 * Works in the folder of a file below an open one by way of open descriptors; `relative` are the names from there to the file, and
 * its own. `there`: the name is taken; false: the system does not let it be done.
 */
export function inFolderOf(
  root: OpenFolder,
  relative: readonly string[],
  work: (folder: string, name: string) => boolean,
): boolean | 'there' {
  const opened: OpenFolder[] = [];
  try {
    let folder = root;
    for (const name of relative.slice(0, -1)) {
      folder = openFolder(`${folder.path}/${name}`);
      opened.push(folder);
    }
    return work(folder.path, relative.at(-1) ?? '');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.code === 'EEXIST' ? 'there' : false;
    throw error;
  } finally {
    for (const folder of opened) folder[Symbol.dispose]();
  }
}
