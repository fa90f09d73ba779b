/**
 * Files whose place a capability knows by itself, such as /etc/fstab or a drop-in of systemd. Nobody sends their path, so they need
 * not lie below a root that the server's owner opened; what the owner denies stays denied.
 */
import { dirname } from 'node:path';
import { fault } from '@countersign/protocol';
import { deniedBecause } from '../../host/files.ts';
import { statOrNull } from '../../host/look.ts';
import type { ObserveContext } from '../capability.ts';
import { writableRoots } from './roots.ts';
import { type FileChange, readTarget } from './write-file.ts';

/** The context in which this file may be changed, and no other besides those that may be anyway. */
export function opening<C extends ObserveContext>(context: C, path: string): C {
  const { localPolicy } = context;
  return { ...context, localPolicy: { ...localPolicy, writeRoots: [...localPolicy.writeRoots, path] } };
}

/** What the file shall be, from what it is; `null` is no file. Its folder may be missing yet. Throws as `readTarget` does. */
export function settledChange(
  path: string,
  contentFrom: (before: string | null) => string,
  context: ObserveContext,
): FileChange {
  const rules = opening(context, path);
  const reason = deniedBecause(path, writableRoots(rules.localPolicy));
  if (reason !== undefined) throw fault('path_denied', { path, reason });
  const found = isMissingFolder(path) ? { path, stat: null, text: null } : readTarget(path, rules);
  const after = contentFrom(found.text);
  return {
    asked: path,
    path: found.path,
    stat: found.stat,
    before: found.text,
    after,
    shown: after,
    validator: 'none',
  };
}

/** The call that makes the folder of such a file, where it is missing. */
export function folderArgv(path: string): string[][] {
  return isMissingFolder(path) ? [['mkdir', '-p', '-m', '0755', '--', dirname(path)]] : [];
}

function isMissingFolder(path: string): boolean {
  return statOrNull(dirname(path)) === null;
}
