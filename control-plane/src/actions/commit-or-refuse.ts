/** A write whose refusal is itself worth keeping: what it wrote is committed, and then its fault is thrown. */
import type { Fault } from '@countersign/protocol';
import type { CommitPoint } from '../fail-points.ts';
import type { Db, Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';

export class Refusal {
  readonly fault: Fault;

  constructor(fault: Fault) {
    this.fault = fault;
  }
}

/** Runs `work` like `write` does. When it returns a {@link Refusal}, commits what it wrote and rejects with the fault. */
export async function commitOrRefuse<T>(
  db: Db,
  point: CommitPoint,
  work: (trx: Trx) => Promise<T | Refusal>,
): Promise<T> {
  const outcome = await write(db, point, work);
  if (outcome instanceof Refusal) throw outcome.fault;
  return outcome;
}
