/** Rows that the writes of one commit add to a table, gathered so that many go in by one statement. */
import type { CompiledQuery, DatabaseConnection } from 'kysely';
import type { Db } from './database.ts';
import { OneConnection } from './dialect.ts';

/** Words the insert of these rows into one table; they are {@link ROWS_AT_ONCE} at most. */
export type InsertOf = (db: Db, rows: readonly object[]) => CompiledQuery;

/** More in one statement are not faster. */
export const ROWS_AT_ONCE = 20;

interface LaterRow {
  readonly insertOf: InsertOf;
  readonly row: object;
}

export class LaterRows {
  readonly #db: Db;
  readonly #connection: DatabaseConnection;
  #rows: LaterRow[] = [];

  constructor(db: Db, connection: DatabaseConnection) {
    this.#db = db;
    this.#connection = connection;
  }

  get count(): number {
    return this.#rows.length;
  }

  add(insertOf: InsertOf, row: object): void {
    this.#rows.push({ insertOf, row });
  }

  /** Forgets all but the first `count`. */
  keepFirst(count: number): void {
    if (count < this.#rows.length) this.#rows.length = count;
  }

  /**
   * Inserts the first `count` in their order. They are no longer here from the moment of the call. Null when they are inserted by
   * then, as on a connection that answers at once.
   */
  insertFirst(count: number): Promise<void> | null {
    const inserts = this.#insertsOf(this.#rows.splice(0, count));
    const connection = this.#connection;
    if (!(connection instanceof OneConnection)) return inOrder(connection, inserts);
    for (const insert of inserts) connection.run(insert);
    return null;
  }

  #insertsOf(rows: readonly LaterRow[]): CompiledQuery[] {
    const inserts: CompiledQuery[] = [];
    for (let from = 0, to = 0; from < rows.length; from = to) {
      const insertOf = rows[from]?.insertOf as InsertOf;
      const these: object[] = [];
      for (; these.length < ROWS_AT_ONCE && rows[to]?.insertOf === insertOf; to += 1) these.push(rows[to]?.row ?? {});
      inserts.push(insertOf(this.#db, these));
    }
    return inserts;
  }
}

async function inOrder(connection: DatabaseConnection, queries: readonly CompiledQuery[]): Promise<void> {
  for (const query of queries) await connection.executeQuery(query);
}
