/**
 * The control plane's real SQLite, in memory, with a simulated process on it: what was committed outlives the process, an open
 * transaction does not, and a dead process gets no answer any more. Every statement is a point at which it can die.
 */
import { type Db, databaseOn, openSqlite, type Sqlite } from '@countersign/control-plane/storage/database';
import { OneConnectionDialect } from '@countersign/control-plane/storage/dialect';
import type { SimulatedProcess } from './simulated-process.ts';

type Driver = ReturnType<OneConnectionDialect['createDriver']>;
type Connection = Awaited<ReturnType<Driver['acquireConnection']>>;

const WRITES = /^\s*(insert|update|delete)/i;

export class SimulatedStore implements Disposable {
  /** While set, the disk is full: what would write fails. */
  full = false;
  readonly #sqlite: Sqlite;

  /** `from`: the bytes of a store, which are quicker to open than a new one is to make, and slower to work with. */
  constructor(from: ':memory:' | Buffer = ':memory:') {
    this.#sqlite = openSqlite(from);
  }

  /** Opens the database for a process. `turn` is waited for before each use of the connection. */
  openFor(process: SimulatedProcess, turn: () => Promise<void> = () => Promise.resolve()): Promise<Db> {
    return databaseOn(this.#sqlite, {
      dialect: (database) => new GuardedDialect(database, { store: this, process, turn }),
      arrive: turn,
    });
  }

  rollback(): void {
    this.#sqlite.prepare('rollback').run([]);
  }

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}

interface Guard {
  readonly store: SimulatedStore;
  readonly process: SimulatedProcess;
  readonly turn: () => Promise<void>;
}

class GuardedDialect extends OneConnectionDialect {
  readonly #guard: Guard;

  constructor(database: Sqlite, guard: Guard) {
    super({ database });
    this.#guard = guard;
  }

  override createDriver(): Driver {
    return guarded(super.createDriver(), this.#guard) as Driver;
  }
}

function guarded(driver: Driver, { store, process, turn }: Guard): Omit<Driver, never> {
  let open = false;
  process.atDeath(() => open && store.rollback());
  const connections = new WeakMap<Connection, Connection>();
  const over = (connection: Connection): Connection => {
    const known = connections.get(connection);
    if (known) return known;
    const made: Connection = {
      async executeQuery(query) {
        await process.pass('statement');
        if (store.full && WRITES.test(query.sql))
          throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
        return connection.executeQuery(query);
      },
      streamQuery: (query, size) => connection.streamQuery(query, size),
    };
    connections.set(connection, made);
    return made;
  };
  return {
    init: () => driver.init(),
    async acquireConnection() {
      await turn();
      await process.pass('turn');
      return over(await driver.acquireConnection());
    },
    async beginTransaction(connection: Connection) {
      await driver.beginTransaction(connection);
      open = true;
    },
    async commitTransaction(connection: Connection) {
      await process.pass('before commit');
      await driver.commitTransaction(connection);
      open = false;
      await process.pass('after commit');
    },
    async rollbackTransaction(connection: Connection) {
      await driver.rollbackTransaction(connection);
      open = false;
    },
    releaseConnection: () => driver.releaseConnection(),
    destroy: () => Promise.resolve(),
  } as unknown as Driver;
}
