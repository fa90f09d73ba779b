/** Backups of files that a step is about to change. They stay for a month. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, fault } from '@countersign/protocol';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from './own-files.ts';

const KEPT_MS = 30 * 86_400_000;
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Keeps a content durably and returns the name it is found by. Throws `precondition_failed` when it cannot be written: then
 * nothing must be changed.
 */
export function keepBackup(
  step: { readonly stateDir: string; readonly actionId: string; readonly step: string; readonly clock: Clock },
  content: string,
): string {
  const folder = join(step.stateDir, 'backups');
  const name = `${step.actionId}-${step.step}.bak`;
  try {
    makeOwnFolder(folder);
    forgetOld(folder, step.clock.now() - KEPT_MS);
    replaceOwnFile(join(folder, name), content, 0o600);
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

function forgetOld(folder: string, before: number): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).mtimeMs < before) rmSync(path, { force: true });
  }
}
