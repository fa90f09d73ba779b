/**
 * The one place that knows which database is below: how it opens a transaction, counts rows, keeps a table append-only,
 * leaves an index alone and says that it is busy. Everything else is SQL that PostgreSQL understands too.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type ColumnDefinitionBuilder,
  CompiledQuery,
  type DatabaseConnection,
  type Kysely,
  type LimitNode,
  type OffsetNode,
  type QueryResult,
  type RawBuilder,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  SqliteQueryCompiler,
  sql,
} from 'kysely';

/** What is known of the write transaction that the present chain of calls is inside of. */
export const insideWrite = new AsyncLocalStorage<{ open: boolean }>();

/** SQLite over one connection: statements wait their turn, a transaction takes the write lock when it begins. */
export class OneConnectionDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  #driver: OneConnectionDriver | undefined;

  constructor({ database }: { readonly database: SqliteDatabase }) {
    super({ database });
    this.#database = database;
  }

  override createDriver(): SqliteDriver {
    this.#driver = new OneConnectionDriver(this.#database);
    return this.#driver;
  }

  /** The connection while nobody uses it or waits for it; what is done with it has to be done before the caller waits for anything. */
  freeConnection(): OneConnection | null {
    return this.#driver?.freeConnection() ?? null;
  }

  /** The connection, held from now on, when nobody uses it or waits for it; else `null`. Give it back to the driver. */
  holdConnection(): OneConnection | null {
    return this.#driver?.holdConnection() ?? null;
  }

  override createAdapter(): SqliteAdapter {
    return new OneConnectionAdapter();
  }

  override createQueryCompiler(): SqliteQueryCompiler {
    return new KeptPlanCompiler();
  }
}

/**
 * Words queries so that SQLite plans each once. Where it meets a bare `?` while it plans (to compare it with the condition of a
 * partial index, with a term of the order, or as a limit), it looks at what is bound, and plans again at each call, which takes
 * longer than most of our queries. It does not look into an expression. Source: sqlite3VdbeSetVarmask in SQLite's expr.c, called
 * by exprCompareVariable and sqlite3ExprIsInteger. Nothing is lost: nobody runs ANALYZE, so a value tells the planner nothing.
 */
class KeptPlanCompiler extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return '+?';
  }

  // Behind a sign alone a limit is still looked at.
  protected override visitLimit(node: LimitNode): void {
    super.visitLimit(node);
    this.append(' + 0');
  }

  protected override visitOffset(node: OffsetNode): void {
    super.visitOffset(node);
    this.append(' + 0');
  }
}

class OneConnectionAdapter extends SqliteAdapter {
  // Not that there were several: the driver lets callers wait by itself, so that it can tell a wait that would never end.
  override get supportsMultipleConnections() {
    return true;
  }

  override get supportsTransactionalDdl() {
    return true;
  }
}

export const begin = CompiledQuery.raw('begin immediate');
export const commit = CompiledQuery.raw('commit');

/** SQLite answers before a call returns, and so does this connection when it is asked to. */
export class OneConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase;
  readonly #streaming: DatabaseConnection;

  constructor(database: SqliteDatabase, streaming: DatabaseConnection) {
    this.#database = database;
    this.#streaming = streaming;
  }

  /** Runs a query here and now. Throws what SQLite says. */
  ask<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const statement = this.#database.prepare(sql);
    if (statement.reader) return { rows: statement.all(parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(parameters);
    return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
  }

  /** Runs a statement of which nobody needs an answer. Throws what SQLite says. */
  run({ sql, parameters }: CompiledQuery): void {
    this.#database.prepare(sql).run(parameters);
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.ask<R>(query);
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#streaming.streamQuery<R>(query, chunkSize);
  }
}

class OneConnectionDriver extends SqliteDriver {
  readonly #database: SqliteDatabase;
  #lastTurn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => undefined;
  /** Who holds the connection, and who waits for it. */
  #users = 0;
  #connection: OneConnection | null = null;

  constructor(database: SqliteDatabase) {
    super({ database });
    this.#database = database;
  }

  freeConnection(): OneConnection | null {
    return this.#users === 0 ? this.#connection : null;
  }

  holdConnection(): OneConnection | null {
    const free = this.freeConnection();
    if (free !== null) this.#endTurn = this.#queueUp().resolve;
    return free;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    if (insideWrite.getStore()?.open)
      throw new Error(
        'A query on `db` inside write() would wait for itself: use the transaction that write() hands in.',
      );
    const before = this.#lastTurn;
    const turn = this.#queueUp();
    await before;
    this.#endTurn = turn.resolve;
    this.#connection ??= new OneConnection(this.#database, await super.acquireConnection());
    return this.#connection;
  }

  #queueUp(): PromiseWithResolvers<void> {
    const turn = Promise.withResolvers<void>();
    this.#lastTurn = turn.promise;
    this.#users += 1;
    return turn;
  }

  override async releaseConnection(): Promise<void> {
    this.#users -= 1;
    this.#endTurn();
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(begin);
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(commit);
  }

  /** A full disk or a failed write ends the transaction by itself (sqlite.org/lang_transaction.html, section 3): then nothing is left to roll back. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error;
    }
  }
}

/** Whether another process holds the lock, so that the same transaction may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_BUSY')
  );
}

/** Whether the disk is full, read-only or broken, so that nothing can be kept (fault F10). */
export function isUnwritable(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^SQLITE_(FULL|READONLY|IOERR)/.test(error.code)
  );
}

/** Whether a unique constraint refused a row. */
export function isDuplicate(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY')
  );
}

/** A column for which no index is taken (sqlite.org/optoverview.html, section 9.2). */
export function indexless<T>(column: string): RawBuilder<T> {
  return sql`+${sql.ref(column)}`;
}

/** A primary key that the database counts up and never gives out twice. */
export function countedKey(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.primaryKey().autoIncrement();
}

/** Makes the database refuse to change or delete rows of a table. */
export async function makeAppendOnly(db: Kysely<unknown>, table: string): Promise<void> {
  for (const verb of ['update', 'delete'] as const) {
    await sql`
      create trigger ${sql.ref(`${table}_no_${verb}`)} before ${sql.raw(verb)} on ${sql.table(table)}
      begin select raise(abort, ${sql.lit(`${table} is append-only`)}); end
    `.execute(db);
  }
}
