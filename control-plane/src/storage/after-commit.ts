/** What is to happen once a transaction is on disk, and not at all when it is rolled back. */
import type { Db, Trx } from './database.ts';

/** Is handed the database that was written to. */
type Then = (db: Db) => void;

const waiting = new WeakMap<Trx, Then[]>();

/** Has `then` called right after `write` committed this transaction. `then` must not throw: nothing can be undone any more. */
export function afterCommit(trx: Trx, then: Then): void {
  const list = waiting.get(trx);
  if (list) list.push(then);
  else waiting.set(trx, [then]);
}

/** For `write`: calls what was left for this transaction, in order. */
export function runAfterCommit(trx: Trx, db: Db): void {
  const list = waiting.get(trx);
  if (list === undefined) return;
  waiting.delete(trx);
  for (const then of list) then(db);
}
