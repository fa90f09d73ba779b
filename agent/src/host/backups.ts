/** Backups of files that a step is about to change. They stay for a month. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, fault } from '@countersign/protocol';
import { isMissing, makeOwnFolder, readOwnFile, replaceOwnFile } from './own-files.ts';

const KEPT_MS = 30 * 86_400_000;
/** Beside a backup: the path of which it is. */
const OF = '.of';
const BYTES_MAX = 16 * 1024 * 1024;
const PATH_BYTES_MAX = 8192;

/**
 * Keeps a content durably and returns the name it is found by; `of` is the path whose content it was, by which others find it. Throws `precondition_failed` when it cannot be written: then
 * nothing must be changed.
 */
export function keepBackup(
  step: { readonly stateDir: string; readonly actionId: string; readonly step: string; readonly clock: Clock },
  content: string | Buffer,
  of?: string,
): string {
  const folder = join(step.stateDir, 'backups');
  const name = `${step.actionId}-${step.step}.bak`;
  try {
    makeOwnFolder(folder);
    forgetOld(folder, step.clock.now() - KEPT_MS);
    replaceOwnFile(join(folder, name), content, 0o600);
    if (of !== undefined) replaceOwnFile(join(folder, `${name}${OF}`), of, 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw fault('precondition_failed', { reason: `no backup can be written on the server (${code})` }, error);
  }
  return name;
}

/** Where a content is kept, for a program that reads it there. */
export function backupPath(stateDir: string, name: string): string {
  return join(stateDir, 'backups', name);
}

/** What was kept. Throws `precondition_failed` when it is gone. */
export function readBackup(stateDir: string, name: string): Buffer {
  const file = readOwnFile(backupPath(stateDir, name), BYTES_MAX);
  if (file === null) throw fault('precondition_failed', { reason: `the backup ${name} is gone` });
  return file.bytes;
}

/** The newest backup of a path, and when it was kept (milliseconds since 1970); `null` when there is none. */
export function newestBackupOf(
  stateDir: string,
  path: string,
): { readonly content: Buffer; readonly keptAt: number } | null {
  const folder = join(stateDir, 'backups');
  const kept = namesIn(folder)
    .filter((name) => name.endsWith(OF))
    .map((name) => ({ of: join(folder, name), content: join(folder, name.slice(0, -OF.length)) }))
    .filter(({ of }) => readOwnFile(of, PATH_BYTES_MAX)?.bytes.toString('utf8') === path)
    .map(({ content }) => ({ content, keptAt: statSync(content, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.keptAt - a.keptAt);
  for (const { content, keptAt } of kept) {
    const file = readOwnFile(content, BYTES_MAX);
    if (file !== null) return { content: file.bytes, keptAt };
  }
  return null;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function forgetOld(folder: string, before: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < before) rmSync(path, { force: true });
  }
}
