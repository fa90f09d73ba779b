/**
 * Group commit: writes that wait at the same time share one transaction and so one sync of the disk. They run one after the
 * other, each but the first in a savepoint of its own, so that one that fails takes back nothing but itself; when the first fails,
 * the transaction is taken back, and the others come into the next. Nobody is answered before the
 * commit: not who succeeded, and not who failed either, since they may have seen what the others had written.
 */
import { setImmediate } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  DummyDriver,
  type KyselyProps,
  type QueryResult,
  Transaction,
} from 'kysely';
import type { Db, Trx } from './database.ts';
import { insideWrite } from './dialect.ts';
import type { Tables } from './tables.ts';

/** Enough that the sync costs little for each, and few enough that who waits for the connection to read gets it soon. */
const MEMBERS_MAX = 128;

const setSavepoint = CompiledQuery.raw('savepoint member');
const releaseSavepoint = CompiledQuery.raw('release savepoint member');
const rollbackToSavepoint = CompiledQuery.raw('rollback to savepoint member');

interface Member {
  readonly work: (trx: Trx) => Promise<unknown>;
  readonly answer: PromiseWithResolvers<unknown>;
  /** Gives the answer that is ready; nobody may hear it before the commit. */
  tell: () => void;
}

/** What the members of one commit wrote so far. A new object stands for it whenever something is taken back. */
interface Commit {
  written: object;
  kept: number;
}

/** The turn of one member: what it may use, and until when. */
interface Turn {
  readonly connection: DatabaseConnection;
  readonly commit: Commit;
  open: boolean;
}

/** What `work` is handed: good for nothing once the write has ended, so that what it left running cannot fall into the next. */
class MemberTransaction extends Transaction<Tables> {
  readonly turn: Turn;

  constructor(turn: Turn, parts: KyselyProps) {
    super(parts);
    this.turn = turn;
  }
}

function connectionIn({ open, connection }: Turn): DatabaseConnection {
  if (!open) throw new Error('This write has ended: wait for every query before it does.');
  return connection;
}

const freeOn = new WeakMap<Db | Trx, () => DatabaseConnection | null>();

/** Has compiled queries on `db` go straight to what `free` gives, where that is a connection. */
export function goStraight(db: Db, free: () => DatabaseConnection | null): void {
  freeOn.set(db, free);
}

/**
 * Runs a query that is compiled. Inside a write it goes straight to the connection, which Kysely has nothing to add to. So it does
 * outside of one while the connection is free: SQLite answers at once, so that nobody else can come in between.
 */
export async function execute<R>(db: Db | Trx, query: CompiledQuery<R>): Promise<QueryResult<R>> {
  if (db instanceof MemberTransaction) return connectionIn(db.turn).executeQuery(query);
  return freeOn.get(db)?.()?.executeQuery(query) ?? db.executeQuery(query);
}

/**
 * Stands for all that was written so far in the commit to which a write belongs: what one write knows of the rows, the next in
 * the same commit may believe as long as it gets the same object.
 */
export function writtenSoFar(trx: Trx): object {
  return trx instanceof MemberTransaction ? trx.turn.commit.written : {};
}

/** All that write to one database. */
export class Writers {
  readonly #db: Db;
  readonly #parts: Omit<KyselyProps, 'executor'>;
  readonly #arrive: () => Promise<void>;
  #waiting: Member[] = [];
  #running = false;

  /** `arrive` is waited for before a write gets in line. */
  constructor(db: Db, dialect: Dialect, arrive: () => Promise<void>) {
    this.#db = db;
    // A member neither begins nor ends a transaction: it has no driver.
    this.#parts = { config: { dialect }, dialect, driver: new DummyDriver() };
    this.#arrive = arrive;
  }

  /** Runs `work` in the next commit, or the present one. Settles when that is on disk; rejects with what SQLite says when it fails. */
  async write<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    if (insideWrite.getStore()?.open) throw new Error('A write() inside write() would wait for itself.');
    await this.#arrive();
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.push({ work, answer, tell: () => undefined });
    if (!this.#running) void this.#run();
    return answer.promise as Promise<T>;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#group();
    this.#running = false;
  }

  async #group(): Promise<void> {
    const members: Member[] = [];
    try {
      await this.#db
        .transaction()
        .execute((trx) => trx.getExecutor().provideConnection((connection) => this.#members(connection, members)));
    } catch (error) {
      this.#notCommitted(members, error);
      return;
    }
    for (const member of members) member.tell();
  }

  async #members(connection: DatabaseConnection, members: Member[]): Promise<void> {
    const commit: Commit = { written: {}, kept: 0 };
    while (members.length < MEMBERS_MAX) {
      const member = this.#waiting.shift();
      if (member === undefined) break;
      members.push(member);
      await this.#member(connection, member, commit);
    }
  }

  async #member(connection: DatabaseConnection, member: Member, commit: Commit): Promise<void> {
    const { work, answer } = member;
    const turn: Turn = { connection, commit, open: true };
    // What the first one wrote is all that there is: it needs no mark to go back to.
    const marked = commit.kept > 0;
    if (marked) await connection.executeQuery(setSavepoint);
    try {
      const result = await insideWrite.run(turn, work, this.#transaction(turn));
      turn.open = false;
      if (marked) await connection.executeQuery(releaseSavepoint);
      commit.kept += 1;
      member.tell = () => answer.resolve(result);
    } catch (error) {
      turn.open = false;
      commit.written = {};
      member.tell = () => answer.reject(error);
      if (!marked) throw new NothingKept();
      await takeBack(connection, error);
    }
  }

  #transaction(turn: Turn): Trx {
    const executor = this.#db.getExecutor().withConnectionProvider({
      provideConnection: async (consumer) => consumer(connectionIn(turn)),
    });
    return new MemberTransaction(turn, { ...this.#parts, executor });
  }

  /** Nothing is on disk. When it could not even begin, that is so for all who wait. */
  #notCommitted(members: readonly Member[], error: unknown): void {
    if (error instanceof NothingKept) for (const member of members) member.tell();
    else for (const { answer } of members.length > 0 ? members : this.#waiting.splice(0)) answer.reject(error);
  }
}

/** The first member failed: there is nothing to sync. */
class NothingKept extends Error {}

/** Takes one member back. The failure may have ended the whole transaction, as a full disk does: then it is the failure of all. */
async function takeBack(connection: DatabaseConnection, failure: unknown): Promise<void> {
  try {
    await connection.executeQuery(rollbackToSavepoint);
    await connection.executeQuery(releaseSavepoint);
  } catch {
    throw failure;
  }
}

/** Waits until what came in together has been heard, so that it can share a commit. No timer: nobody waits when nobody else comes. */
export function endOfTurn(): () => Promise<void> {
  let end: Promise<void> | undefined;
  return () => {
    end ??= setImmediate().then(() => {
      end = undefined;
    });
    return end;
  };
}
