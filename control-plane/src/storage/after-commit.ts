/** What is to happen once a transaction is on disk, and not at all when it is rolled back. */
import type { Trx } from './database.ts';

const waiting = new WeakMap<Trx, (() => void)[]>();

/** Has `then` called right after `write` committed this transaction. `then` must not throw: nothing can be undone any more. */
export function afterCommit(trx: Trx, then: () => void): void {
  const list = waiting.get(trx);
  if (list) list.push(then);
  else waiting.set(trx, [then]);
}

/** For `write`: calls what was left for this transaction, in order. */
export function runAfterCommit(trx: Trx): void {
  const list = waiting.get(trx);
  if (list === undefined) return;
  waiting.delete(trx);
  for (const then of list) then();
}
