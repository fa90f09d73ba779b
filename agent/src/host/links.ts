/** Symbolic links of the system's own, such as the ones by which a version is chosen. Sources: symlink(7), rename(2). */
import { closeSync, fsyncSync, openSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { orNull } from './look.ts';

/** Where a link leads, as it is written in it; `null` when there is no link. */
export function readLink(path: string): string | null {
  return orNull(() => readlinkSync(path));
}

/** Has a link lead elsewhere, whole or not at all, durable on return. */
export function replaceLink(path: string, target: string): void {
  const beside = `${path}.countersign-new`;
  rmSync(beside, { force: true });
  symlinkSync(target, beside);
  renameSync(beside, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Gives the file that a link leads to another name beside it. Nothing happens when it is gone. */
export function setAside(link: string, target: string, suffix: string): void {
  const path = resolve(dirname(link), target);
  try {
    renameSync(path, `${path}${suffix}`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
