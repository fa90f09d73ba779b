/** Whether a path stays what it is until a program opens it again. Sources: unlink(2), rename(2), inode(7). */
import { lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;

/** Whether only root, or the user that we are, can write to what lies at a path. Links are nobody's; what is not there is not ours. */
export function isOursAlone(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isSymbolicLink() && isOurs(stat) && (stat.mode & OTHERS_WRITE) === 0;
}

/**
 * Whether nobody but root, or the user that we are, can put something else in the place of a file of ours: who may write to a
 * folder on the way may rename what lies in it. In folders such as /tmp nobody can do that to what is not his.
 */
export function isPlaceOurs(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isDirectory() || !isOurs(stat)) return false;
    if ((stat.mode & OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0) return false;
    if (folder === '/') return true;
  }
}

const isOurs = ({ uid }: Stats) => uid === 0 || uid === process.getuid?.();
