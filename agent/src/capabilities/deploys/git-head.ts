/** The commit that a folder was made from, read from git's own files: git itself is not started on what others can write. */
import { join, resolve } from 'node:path';
import { readSmallFile } from './small-file.ts';

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Commit of a work tree, or `null`. Sources: gitrepository-layout(5), git-worktree(1). */
export function gitHeadOf(folder: string): string | null {
  const pointer = /^gitdir: (.+)$/m.exec(readSmallFile(join(folder, '.git')) ?? '')?.[1];
  const own = pointer === undefined ? join(folder, '.git') : resolve(folder, pointer);
  const head = readSmallFile(join(own, 'HEAD'))?.trim();
  if (head === undefined) return null;
  if (COMMIT.test(head)) return head;
  const ref = /^ref: (refs\/[A-Za-z0-9._/-]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.includes('..')) return null;
  const common = readSmallFile(join(own, 'commondir'))?.trim();
  return refIn(common === undefined ? own : resolve(own, common), ref);
}

function refIn(folder: string, ref: string): string | null {
  const loose = readSmallFile(join(folder, ref))?.trim();
  if (loose !== undefined && COMMIT.test(loose)) return loose;
  const packed = readSmallFile(join(folder, 'packed-refs')) ?? '';
  const line = packed.split('\n').find((each) => each.endsWith(` ${ref}`));
  const commit = line?.split(' ')[0] ?? '';
  return COMMIT.test(commit) ? commit : null;
}
