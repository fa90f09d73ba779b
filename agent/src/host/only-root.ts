/** Whether only root can change a file, and whether its path stays what it is until a program opens it again. Sources: unlink(2), rename(2), inode(7). */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

/** Whose a file is, and who may write to it. */
interface Owned {
  readonly uid: number;
  readonly mode: number;
}

/** Whether only root can write to it. */
export const isRootsAlone = (file: Owned): boolean => file.uid === 0 && isClosed(file);

/** Whether only root, or the user that we are, can write to it. */
export const isOurs = (file: Owned): boolean => belongsToUs(file) && isClosed(file);

/** Whether only root, or the user that we are, can write to what lies at a path. Links are nobody's; what is not there is not ours. */
export function isOursAlone(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isSymbolicLink() && isOurs(stat);
}

/**
 * Whether nobody but root, or the user that we are, can put something else in the place of a file of ours: who may write to a
 * folder on the way may rename what lies in it. In folders such as /tmp nobody can do that to what is not his.
 */
export function isPlaceOurs(path: string): boolean {
  return foldersAbove(path).every((folder) => {
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    return stat?.isDirectory() === true && belongsToUs(stat) && (isClosed(stat) || (stat.mode & STICKY) !== 0);
  });
}

/** The folders in which a path lies, `/` last. */
export function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}

const belongsToUs = ({ uid }: Owned) => uid === 0 || uid === process.geteuid?.();
const isClosed = ({ mode }: Owned) => (mode & OTHERS_WRITE) === 0;
