/** `file.diff`: a file against another, its newest backup of ours, or what its package brought. */
import { isUtf8 } from 'node:buffer';
import { fault, type ParametersOf, type ResultOf, shorten } from '@countersign/protocol';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import { newestBackupOf } from '../../host/backups.ts';
import { readAllowed } from '../../host/files.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { packagedDefault } from './packaged-default.ts';
import { readableRoots } from './roots.ts';

const BYTES_MAX = 1024 * 1024;
const DIFF_CHARACTERS = 200_000;
const AGAINST_MAX = 500;

/** What a file is compared with. */
interface Other {
  /** In words. */
  readonly against: string;
  /** `null` where only whether they are equal is known. */
  readonly content: Buffer | null;
  readonly same: boolean | null;
}

export const fileDiff: Observer<'file.diff'> = async (parameters, context) => {
  const { path, bytes } = readAllowed(parameters.path, readableRoots(context.localPolicy), BYTES_MAX);
  const other = await otherOf(parameters, { path, bytes }, context);
  const { against, same, content } = other;
  if (content === null) return { path, against, same, untrusted_output: '', redactions: 0, truncated: false };
  const secrets = context.localPolicy.secretValues ?? [];
  const [before, after] = [textOf(content, against), textOf(bytes, path)];
  const diff = unifiedDiff(path, before, after, secrets);
  return {
    path,
    against,
    same: before === after,
    untrusted_output: diff.slice(0, DIFF_CHARACTERS).toWellFormed(),
    redactions: (diff.match(/\[redacted\]/g) ?? []).length,
    truncated: diff.length > DIFF_CHARACTERS || diff.endsWith('cut here\n'),
  } satisfies ResultOf<'file.diff'>;
};

async function otherOf(
  { against, other }: ParametersOf<'file.diff'>,
  file: { readonly path: string; readonly bytes: Buffer },
  context: ObserveContext,
): Promise<Other> {
  if (against === 'package') return packagedDefault(file, context);
  if (against === 'backup') return backupOf(file.path, context);
  if (other === undefined) throw fault('invalid_input', { problems: 'other: is needed to compare with a file' });
  const found = readAllowed(other, readableRoots(context.localPolicy), BYTES_MAX);
  return { against: shorten(`the file ${found.path}`, AGAINST_MAX), content: found.bytes, same: null };
}

function backupOf(path: string, { stateDir }: ObserveContext): Other {
  const kept = stateDir === undefined ? null : newestBackupOf(stateDir, path);
  if (kept === null)
    throw fault('precondition_failed', {
      reason: `Countersign keeps no backup of ${path}: it did not change it in the last 30 days`,
    });
  const at = new Date(kept.keptAt).toISOString().slice(0, 19);
  return { against: `the backup from before the change of ${at}Z`, content: kept.content, same: null };
}

function textOf(bytes: Buffer, what: string): string {
  if (!isUtf8(bytes) || bytes.includes(0)) throw fault('path_denied', { path: what, reason: 'it is not a text file' });
  return bytes.toString('utf8');
}
