/** The one way to change the database. */
import { setImmediate } from 'node:timers/promises';
import { fault } from '@countersign/protocol';
import { runAfterCommit } from './after-commit.ts';
import type { Db, Trx } from './database.ts';
import { insideWrite, isBusy, isUnwritable } from './dialect.ts';

const ATTEMPTS = 50;

/**
 * Runs `work` in one write transaction: all of it is committed and on disk, or nothing. Writers of this process run one after
 * the other. Inside, use only the transaction (a query on `db` is refused, since it would wait for itself) and wait for
 * nothing but the database. When another process holds the lock for `attempts` times 200 ms, rejects with `storage_busy`; when the disk is
 * full or read-only, with `storage_unwritable`.
 */
export async function write<T>(db: Db, work: (trx: Trx) => Promise<T>, { attempts = ATTEMPTS } = {}): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await writeOnce(db, work);
    } catch (error) {
      if (isUnwritable(error)) throw fault('storage_unwritable', { reason: error.code }, error);
      if (!isBusy(error)) throw error;
      if (attempt >= attempts) throw fault('storage_busy', {}, error);
      await setImmediate();
    }
  }
}

async function writeOnce<T>(db: Db, work: (trx: Trx) => Promise<T>): Promise<T> {
  const mark = { open: true };
  let used: Trx | undefined;
  try {
    const result = await db.transaction().execute((trx) => {
      used = trx;
      return insideWrite.run(mark, () => work(trx));
    });
    mark.open = false;
    if (used) runAfterCommit(used);
    return result;
  } finally {
    mark.open = false;
  }
}
