/** Opens the database of the control plane. The only file that knows better-sqlite3. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { type Dialect, type Driver, Kysely, type SqliteDatabase, type Transaction } from 'kysely';
import { isBusy, OneConnectionDialect } from './dialect.ts';
import { endOfTurn, Writers } from './group-commit.ts';
import { migrate } from './migrations/migrate.ts';
import type { Tables } from './tables.ts';
import { goStraight } from './turn.ts';

/** The database, for reading. What changes it goes through `write`. */
export type Db = Kysely<Tables>;
/** A transaction that `write` opened. */
export type Trx = Transaction<Tables>;

/** How long one statement waits for another process. Short, since it stops the event loop; `write` tries again. */
const BUSY_MS = 200;
const STATEMENTS_KEPT = 400;
/**
 * The commit by which the write-ahead log has so many pages carries them over into the store: 16 MB at most. It waits for a second sync and
 * some hundred pages; with SQLite's own 1,000 it was each thirtieth command that waited, and the same pages were carried more often.
 */
const CHECKPOINT_PAGES = 4000;
/**
 * What a connection keeps of the store, KiB: SQLite's own default, of which better-sqlite3 makes 16,000. With many servers all of it fills
 * up and stays, one fifth of what ten thousand idle agents cost. The system has the same pages in its own cache: to read them from there
 * takes our pages of 20,000 servers and 100,000 actions no processor time that could be seen.
 */
const CACHE_KIB = 2000;

/**
 * Opens (or makes, mode 0600) the database at `path` and brings it to the newest migration; `:memory:` makes one that is gone
 * when closed. Every commit is on disk before it is acknowledged (WAL with synchronous=FULL).
 * Rejects when the file is no database, is newer than this program, or cannot be written. Close it with `db.destroy()`.
 */
export async function openDatabase({ path, gather = false }: Opening): Promise<Db> {
  const sqlite = openSqlite(path);
  return databaseOn(sqlite, { ...(path !== ':memory:' && { file: path }), ...(gather && { arrive: endOfTurn() }) });
}

interface Opening {
  readonly path: string;
  /** Whether a write waits for what else comes in the same turn of the event loop, to share a commit with it: for a process with many callers. */
  readonly gather?: boolean;
}

/** The store below the database. Whoever opened it may put one program after the other on it, as a machine does. */
export type Sqlite = SqliteDatabase;

/** Opens (or makes) the store of {@link openDatabase}, and leaves it as it is. The bytes of one: opens a copy in memory. */
export function openSqlite(from: string | Buffer): Sqlite {
  if (typeof from === 'string' && from !== ':memory:') makePrivateFile(from);
  const sqlite = new BetterSqlite(from, { timeout: BUSY_MS });
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON', 'trusted_schema = OFF'])
    sqlite.pragma(pragma);
  sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  sqlite.pragma(`cache_size = ${-CACHE_KIB}`);
  return withKeptStatements(sqlite);
}

interface Ways {
  /** Where the store is, for threads with a connection of their own. */
  readonly file?: string;
  /** What each write waits for before it gets in line. */
  readonly arrive?: () => Promise<void>;
  /** For a simulation, which stands in between. */
  readonly dialect?: (database: Sqlite) => OneConnectionDialect;
}

const opened = new WeakMap<Db, { readonly writers: Writers; readonly file: string | null }>();

/** The database on an open store, at the newest migration. */
export async function databaseOn(sqlite: Sqlite, ways: Ways = {}): Promise<Db> {
  const { file = null, arrive } = ways;
  const dialect = ways.dialect?.(sqlite) ?? new OneConnectionDialect({ database: sqlite });
  const driver = dialect.createDriver();
  const db = new Kysely<Tables>({ dialect: withDriver(dialect, driver) });
  // What stands in between shall see every query.
  const straight = ways.dialect === undefined;
  if (straight) goStraight(db, () => dialect.freeConnection());
  const hold = straight ? () => dialect.holdConnection() : undefined;
  opened.set(db, { writers: new Writers(db, dialect, driver, { arrive, hold }), file });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}

/** The same dialect over a driver that is there. */
const withDriver = (dialect: OneConnectionDialect, driver: Driver): Dialect => ({
  createDriver: () => driver,
  createAdapter: () => dialect.createAdapter(),
  createQueryCompiler: () => dialect.createQueryCompiler(),
  createIntrospector: (db) => dialect.createIntrospector(db),
});

/** For `write`: those who write to this database. */
export function writersOf(db: Db): Writers {
  const known = opened.get(db);
  if (!known) throw new TypeError('not a database that was opened here');
  return known.writers;
}

/** The file of the store; null when it is in memory. */
export function fileOf(db: Db): string | null {
  return opened.get(db)?.file ?? null;
}

function makePrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

/**
 * Makes this process the only one that works on a store, until it is disposed of or ends in whatever way: SQLite's own lock, on
 * a file beside the store, so that reading the store stays free for others. `null` when another process holds it, also one that
 * hangs.
 */
export function claimStore(path: string): Disposable | null {
  makePrivateFile(path);
  const claim = new BetterSqlite(path, { timeout: 0 });
  try {
    claim.exec('begin exclusive');
    return { [Symbol.dispose]: () => void claim.close() };
  } catch (error) {
    claim.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/** Preparing a statement costs more than running a small one, and the program has few different ones: keep them. */
function withKeptStatements(sqlite: BetterSqlite.Database): Sqlite {
  const kept = new Map<string, ReturnType<Sqlite['prepare']>>();
  return {
    close: () => void sqlite.close(),
    prepare(sql) {
      const known = kept.get(sql);
      if (known !== undefined) return known;
      const statement = sqlite.prepare<unknown[]>(sql);
      const made: ReturnType<Sqlite['prepare']> = {
        reader: statement.reader,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        // An open iteration keeps its statement busy, so it gets one of its own.
        iterate: (parameters) => sqlite.prepare<unknown[]>(sql).iterate(...parameters),
      };
      if (kept.size >= STATEMENTS_KEPT) kept.clear();
      kept.set(sql, made);
      return made;
    },
  };
}
