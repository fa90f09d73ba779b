/** Copies the database while it is in use. */
import { chmodSync, closeSync, openSync, renameSync, rmSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { failPoint } from '../fail-points.ts';

/**
 * Writes a whole, consistent copy of the database at `from` to `to` (mode 0600), also while a control plane writes to it
 * (SQLite online backup). The copy is checked before it gets its name. Rejects, leaving nothing, when it does not pass.
 */
export async function backUpDatabase(from: string, to: string): Promise<{ bytes: number }> {
  const unfinished = `${to}.part`;
  const source = new Sqlite(from, { fileMustExist: true, timeout: 10_000 });
  try {
    closeSync(openSync(unfinished, 'w', 0o600));
    chmodSync(unfinished, 0o600);
    await source.backup(unfinished);
    const bytes = checkCopy(unfinished);
    failPoint('storage.backup.before_name');
    renameSync(unfinished, to);
    failPoint('storage.backup.after_name');
    return { bytes };
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  } finally {
    source.close();
  }
}

function checkCopy(path: string): number {
  const copy = new Sqlite(path);
  try {
    const verdict = copy.pragma('integrity_check', { simple: true });
    if (verdict !== 'ok') throw new Error(`the copy is damaged: ${verdict}`);
    copy.pragma('journal_mode = DELETE'); // one file, without a write-ahead log beside it
    const pages = copy.pragma('page_count', { simple: true }) as number;
    return pages * (copy.pragma('page_size', { simple: true }) as number);
  } finally {
    copy.close();
  }
}
