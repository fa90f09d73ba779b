import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readlinkSync } from 'node:fs';
import { fault } from '@countersign/protocol';
import { identityOf } from './files.ts';

/**
 * Empties a file that others go on writing to. `path` must be real (from `targetOf`), `identity` that of the file that is meant
 * (`identityOf`). Throws `precondition_failed` when another file is there by now, and the system's error.
 */
export function emptyFile(path: string, identity: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    const same = identityOf(stat) === identity && stat.isFile() && readlinkSync(`/proc/self/fd/${file}`) === path;
    if (!same) throw fault('precondition_failed', { reason: `${path} is another file than before` });
    ftruncateSync(file, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
