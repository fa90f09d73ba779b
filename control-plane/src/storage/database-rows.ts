/** Reads many rows of a store fast, in a thread of its own: as arrays, one after the other, without Kysely. */
import BetterSqlite from 'better-sqlite3';

/** Opens the store at `path` for reading, and one query on it. Each call sees what is committed by then. Throws when there is no such file. */
export function openRows(path: string, sql: string): (...values: readonly number[]) => IterableIterator<unknown[]> {
  const statement = new BetterSqlite(path, { readonly: true, fileMustExist: true }).prepare(sql).raw();
  return (...values) => statement.iterate(...values) as IterableIterator<unknown[]>;
}
