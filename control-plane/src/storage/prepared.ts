/** Queries that are built and compiled once. Building one costs more than running a small one; only the values change. */
import { remember } from '@countersign/protocol/remember';
import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import type { Db, Trx } from './database.ts';
import { execute, insertLater } from './turn.ts';

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
  let known: Compiled<V, R> | undefined;
  return (db, values) => {
    // A slot stands for a value of the right type until it is bound.
    known ??= compiledOf<V, R>(build(db, (name) => new Slot(name) as never).compile());
    const { query, slots } = known;
    const parameters = [...query.parameters];
    for (const [at, name] of slots) parameters[at] = values[name];
    return execute(db, { query: query.query, queryId: query.queryId, sql: query.sql, parameters });
  };
}

/** As {@link prepared}, for a statement that is worded by the members of its values: compiled once for each set of them. Members that are undefined are left out. */
export function preparedByMembers<V extends object, R = unknown>(
  build: (
    db: Db | Trx,
    slot: <N extends keyof V>(name: N) => V[N],
    members: readonly (keyof V & string)[],
  ) => Compilable<R>,
): (db: Db | Trx, values: V) => Promise<QueryResult<R>> {
  const known = new Map<string, ReturnType<typeof prepared<V, R>>>();
  return (db, values) => {
    const members = (Object.keys(values) as (keyof V & string)[]).filter((name) => values[name] !== undefined);
    const query = remember(known, SETS_KEPT, members.join(), () => prepared((on, slot) => build(on, slot, members)));
    return query(db, values);
  };
}

const SETS_KEPT = 100;

interface Compiled<V, R> {
  readonly query: CompiledQuery<R>;
  /** Which parameter is which value. */
  readonly slots: readonly (readonly [number, keyof V])[];
}

function compiledOf<V, R>(query: CompiledQuery<R>): Compiled<V, R> {
  const slots = query.parameters.flatMap((it, at) => (it instanceof Slot ? [[at, it.name as keyof V] as const] : []));
  return { query, slots };
}

/**
 * Adds rows to one table; those of many writes go in by one statement (see `insertLater`). `build` words the insert of as many rows
 * as it is given; each has the same `members`, in this order.
 */
export function preparedRows<V extends object>(
  members: readonly (keyof V & string)[],
  build: (db: Db | Trx, rows: readonly V[]) => Compilable<unknown>,
): (trx: Trx, row: V) => void {
  const known: CompiledQuery[] = [];
  const slots = Object.fromEntries(members.map((name) => [name, new Slot(name)])) as V;
  const compile = (db: Db, count: number) => {
    const query = build(db, Array<V>(count).fill(slots)).compile();
    // Bound below without a look at where each stands.
    const order = query.parameters.map((it) => (it instanceof Slot ? it.name : it));
    if (order.join() !== Array(count).fill(members).join()) throw new TypeError(`not rows of ${members}: ${query.sql}`);
    return query;
  };
  const insertOf = (db: Db, rows: readonly object[]): CompiledQuery => {
    known[rows.length] ??= compile(db, rows.length);
    const { query, queryId, sql } = known[rows.length] as CompiledQuery;
    const parameters: unknown[] = [];
    for (const row of rows as readonly V[]) for (const name of members) parameters.push(row[name]);
    return { query, queryId, sql, parameters };
  };
  return (trx, row) => insertLater(trx, insertOf, row);
}

/** A query about a list of ids, which is one id most of the time: that one is compiled once. For an empty list there is nothing. */
export function preparedForOne<R>(
  build: (db: Db | Trx, ids: readonly string[]) => Compilable<R> & { execute(): Promise<R[]> },
): (db: Db | Trx, ids: readonly string[]) => Promise<R[]> {
  const one = prepared<{ readonly id: string }, R>((db, slot) => build(db, [slot('id')]));
  return async (db, ids) => {
    const [id] = ids;
    if (id === undefined) return [];
    return ids.length === 1 ? (await one(db, { id })).rows : build(db, ids).execute();
  };
}
