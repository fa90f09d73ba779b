/** Programs of the system itself, found in fixed folders: not by PATH, and not where others than root could have put them. */
import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { fault } from '@countersign/protocol';
import { PROGRAM_FOLDERS } from '@countersign/protocol/reading-commands/judge';
import { orNull } from './look.ts';
import { isOursAlone, isPlaceOurs, isRootsAlone } from './only-root.ts';

/** Programs that are many in one: their options are others than those of the program that they stand for. */
const MANY_IN_ONE = /^(busybox|toybox)/;

/**
 * The absolute path of a program. Throws `precondition_failed` when it is not installed, when others than root may change it, or
 * when it is BusyBox under another name.
 */
export function findProgram(name: string): string {
  for (const folder of PROGRAM_FOLDERS) {
    const path = `${folder}/${name}`;
    const real = orNull(() => realpathSync(path));
    if (real === null) continue;
    const stat = statSync(real);
    if (!stat.isFile() || !isRootsAlone(stat))
      throw fault('precondition_failed', { reason: `${real} does not belong to root alone` });
    if (MANY_IN_ONE.test(basename(real)))
      throw fault('precondition_failed', { reason: `${name} is ${basename(real)} here, whose options are others` });
    return path;
  }
  throw fault('precondition_failed', { reason: `${name} is not installed in ${PROGRAM_FOLDERS.join(', ')}` });
}

/**
 * Where a program really is that nobody else could have put there: the file and every folder above it belong to root, or to who runs
 * this. `null` where others could: a link into somebody's home would have root run what that person likes.
 */
export function trustedProgram(path: string): string | null {
  const real = orNull(() => realpathSync(path));
  if (real === null || !statSync(real).isFile()) return null;
  return isOursAlone(real) && isPlaceOurs(real) ? real : null;
}
