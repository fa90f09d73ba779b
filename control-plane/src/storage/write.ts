/** The one way to change the database. */
import { setImmediate } from 'node:timers/promises';
import { fault } from '@countersign/protocol';
import { type CommitPoint, failPoint } from '../fail-points.ts';
import { runAfterCommit } from './after-commit.ts';
import { type Db, type Trx, writersOf } from './database.ts';
import { isBusy, isUnwritable } from './dialect.ts';

const ATTEMPTS = 50;

/**
 * Runs `work` in one write transaction: all of it is committed and on disk, or nothing. Writers of this process run one after
 * the other; those that wait at the same time share a commit (`group-commit.ts`), and each is as if it had been alone. Inside, use
 * only the transaction (a query on `db` is refused, since it would wait for itself) and wait for nothing but the database. When another process holds the lock for `attempts` times 200 ms, rejects with `storage_busy`; when the disk is
 * full or read-only, with `storage_unwritable`. A `point` names the commit: tests have the process die right before it and right after.
 */
export function write<T>(db: Db, point: CommitPoint, work: Work<T>): Promise<T>;
export function write<T>(db: Db, work: Work<T>, options?: Patience): Promise<T>;
export function write<T>(db: Db, first: CommitPoint | Work<T>, second?: Work<T> | Patience): Promise<T> {
  if (typeof second === 'function') return writePatiently(db, second, first as CommitPoint, {});
  return writePatiently(db, first as Work<T>, undefined, second ?? {});
}

type Work<T> = (trx: Trx) => Promise<T>;

interface Patience {
  readonly attempts?: number;
}

async function writePatiently<T>(
  db: Db,
  work: Work<T>,
  point: CommitPoint | undefined,
  { attempts = ATTEMPTS }: Patience,
): Promise<T> {
  let used: Trx | undefined;
  const noted = (trx: Trx) => {
    used = trx;
    return point === undefined ? work(trx) : workUpTo(point, trx, work);
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await writersOf(db).write(noted);
      if (point !== undefined) failPoint(`${point}.after_commit`);
      if (used) runAfterCommit(used, db);
      return result;
    } catch (error) {
      if (isUnwritable(error)) throw fault('storage_unwritable', { reason: error.code }, error);
      if (!isBusy(error)) throw error;
      if (attempt >= attempts) throw fault('storage_busy', {}, error);
      await setImmediate();
    }
  }
}

async function workUpTo<T>(point: CommitPoint, trx: Trx, work: Work<T>): Promise<T> {
  const made = await work(trx);
  failPoint(`${point}.before_commit`);
  return made;
}
