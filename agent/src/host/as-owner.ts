import { type Stats, statSync } from 'node:fs';
import { fault } from '@countersign/protocol';

/**
 * argv that does its work as the owner of a path: what lies in a folder of an app's user may lead root elsewhere, and a clone may
 * name programs to start. Source: setpriv(1). Throws `file_not_found`.
 */
export function asOwnerOf(path: string, argv: readonly string[]): string[] {
  const { uid, gid } = statOrFault(path);
  if (uid === 0 || uid === process.getuid?.()) return [...argv];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...argv];
}

function statOrFault(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw fault('file_not_found', { path }, error);
    throw error;
  }
}
