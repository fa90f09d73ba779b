import type { Stats } from 'node:fs';
import { Fault, type ResultOf } from '@countersign/protocol';
import { openAllowed, sha256OfFile } from '../../host/files.ts';
import { statOrNull } from '../../host/look.ts';
import type { LocalRules, Observer } from '../capability.ts';
import { readableRoots } from './roots.ts';

/** Files above this are not read for their SHA-256. */
const HASH_BYTES = 256 * 1024 * 1024;

/** Kind, size, owner and SHA-256 of a file. */
export const fileState: Observer<'file.state'> = async ({ path }, context) => {
  const stat = statOrNull(path);
  if (stat === null) return { exists: false, kind: 'none' as const, bytes: 0, sha256: null, mode: '', owner: '' };
  return {
    exists: true,
    kind: kindOf(stat),
    bytes: stat.size,
    sha256: sha256OrNull(path, context.localPolicy),
    mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    owner: `${stat.uid}:${stat.gid}`,
  };
};

function kindOf(stat: Stats): ResultOf<'file.state'>['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}

/** Only of files that the assistant may read or write: a hash of a secret would tell whether a guess is right. */
function sha256OrNull(path: string, rules: LocalRules): string | null {
  const roots = { roots: [...readableRoots(rules).roots, ...rules.writeRoots], denied: readableRoots(rules).denied };
  try {
    using file = openAllowed(path, roots);
    return file.stat.size > HASH_BYTES ? null : sha256OfFile(file.fd);
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
