/** Queries that are built and compiled once. Building one costs more than running a small one; only the values change. */
import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Db, Trx } from './database.ts';

/** Where a value will stand. */
class Slot {
  readonly name: PropertyKey;

  constructor(name: PropertyKey) {
    this.name = name;
  }
}

/**
 * A query as `build` makes it, with `slot` in the place of each value. Compiled at the first call; every call binds its own
 * values. The SQL must be the same for all values: no lists of varying length, no members left out.
 */
export function prepared<V extends object, R = unknown>(
  build: (db: Db | Trx, slot: <N extends keyof V>(name: N) => V[N]) => Compilable<R>,
): (db: Db | Trx, values: V) => Promise<QueryResult<R>> {
  let compiled: CompiledQuery<R> | undefined;
  return (db, values) => {
    // A slot stands for a value of the right type until it is bound.
    compiled ??= build(db, (name) => new Slot(name) as never).compile();
    const parameters = compiled.parameters.map((it) => (it instanceof Slot ? values[it.name as keyof V] : it));
    return db.executeQuery({ ...compiled, parameters });
  };
}
