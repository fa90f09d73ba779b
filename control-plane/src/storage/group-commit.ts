/**
 * Group commit: writes that wait at the same time share one transaction and so one sync of the disk. They run one after the
 * other. One that asks the database for anything is in a savepoint of its own unless nothing was written before, so that one that
 * fails takes back nothing but itself; when the first fails, the transaction is taken back, and the others come into the next. Rows
 * that a write only adds wait for those of others (`later-rows.ts`), and need no savepoint to be forgotten. Nobody is answered before
 * the commit: not who succeeded, and not who failed either, since they may have seen what the others had written.
 */
import { setImmediate } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  DummyDriver,
  type KyselyProps,
  type QueryResult,
  Transaction,
} from 'kysely';
import type { Db, Trx } from './database.ts';
import { insideWrite } from './dialect.ts';
import { type InsertOf, LaterRows } from './later-rows.ts';
import type { Tables } from './tables.ts';

/** Enough that the sync costs little for each, and few enough that who waits for the connection to read gets it soon. */
const MEMBERS_MAX = 128;

const setSavepoint = CompiledQuery.raw('savepoint member');
const releaseSavepoint = CompiledQuery.raw('release savepoint member');
const rollbackToSavepoint = CompiledQuery.raw('rollback to savepoint member');

interface Member {
  readonly work: (trx: Trx) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** What it came to; nobody may hear it before the commit. */
  failed: boolean;
  outcome: unknown;
}

/** What the members of one commit wrote so far. */
interface Commit {
  readonly connection: DatabaseConnection;
  /** Rows that are to be inserted before anything else is asked, and before the commit. */
  readonly later: LaterRows;
  /** What is known of all that was written: nothing whenever something was taken back. */
  known: Map<object, unknown>;
  /** How many of its members ended well. */
  kept: number;
  /** Why it can no longer be committed: rows could not be inserted that somebody counts on. */
  broken: Error | null;
}

/** The turn of one member: what it may use, and until when. */
interface Turn {
  readonly commit: Commit;
  open: boolean;
  /** Whether it used the connection, and whether there is a savepoint to go back to. */
  asked: boolean;
  marked: boolean;
  /** How many of the later rows are of those before it. */
  before: number;
  /** Settles when the connection is ready for its next query; null when nothing is in the way. */
  ready: Promise<void> | null;
}

/** What `work` is handed: good for nothing once the write has ended, so that what it left running cannot fall into the next. */
class MemberTransaction extends Transaction<Tables> {
  readonly turn: Turn;

  constructor(turn: Turn, parts: KyselyProps) {
    super(parts);
    this.turn = turn;
  }
}

const ENDED = 'This write has ended: wait for every query before it does.';

/** Uses the connection, as soon as it is ready for the next query of this write. */
function useIn<T>(turn: Turn, use: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
  if (!turn.open) throw new Error(ENDED);
  const { connection, later, kept, broken } = turn.commit;
  // SQLite may have ended the transaction by itself: what came now would be stored for good at once.
  if (broken) throw broken;
  if (turn.ready === null && later.count === 0 && (turn.asked || kept === 0)) {
    turn.asked = true;
    return use(connection);
  }
  const ready = makeReady(turn, turn.ready).finally(() => {
    if (turn.ready === ready) turn.ready = null;
  });
  turn.ready = ready;
  return ready.then(() => {
    if (!turn.open) throw new Error(ENDED);
    return use(connection);
  });
}

/** Nothing is put any more. What the write left running may be in the midst of {@link makeReady}: only then is it known what there is to take back. */
async function endTurn(turn: Turn): Promise<void> {
  turn.open = false;
  await turn.ready?.catch(() => undefined); // seen by whoever asked, and in `broken`
}

/** Inserts what came before; what this member does by itself begins with a savepoint, unless it is all that there is. */
async function makeReady(turn: Turn, earlier: Promise<void> | null): Promise<void> {
  await earlier;
  const { commit } = turn;
  try {
    if (!turn.asked && commit.kept > 0) {
      const count = turn.before;
      turn.before = 0;
      await commit.later.insertFirst(count);
      await commit.connection.executeQuery(setSavepoint);
      turn.marked = true;
    }
    turn.asked = true;
    await commit.later.insertFirst(commit.later.count);
  } catch (error) {
    commit.broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  }
}

/**
 * Has `row` inserted before the next query of this commit, or at its end: an insert of which the write needs no answer, and that
 * can fail for no reason of its own. When it does, the whole commit fails.
 */
export function insertLater(trx: Trx, insertOf: InsertOf, row: object): void {
  if (!(trx instanceof MemberTransaction)) throw new TypeError('not a transaction of write()');
  if (!trx.turn.open) throw new Error('This write has ended: add rows before it does.');
  trx.turn.commit.later.add(insertOf, row);
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
export function execute<R>(db: Db | Trx, query: CompiledQuery<R>): Promise<QueryResult<R>> {
  if (!(db instanceof MemberTransaction)) return freeOn.get(db)?.()?.executeQuery(query) ?? db.executeQuery(query);
  return useIn(db.turn, (connection) => connection.executeQuery(query));
}

/**
 * What is known of all that was written so far in the commit to which a write belongs, by whoever keeps something there: what one
 * write knows of the rows, the next in the same commit may believe. Empty again when something was taken back.
 */
export function knownInCommit(trx: Trx): Map<object, unknown> {
  return trx instanceof MemberTransaction ? trx.turn.commit.known : new Map();
}

/** All that write to one database. */
export class Writers {
  readonly #db: Db;
  readonly #parts: Omit<KyselyProps, 'executor'>;
  readonly #driver: Driver;
  readonly #arrive: (() => Promise<void>) | undefined;
  #waiting: Member[] = [];
  #running = false;

  /** `driver`: the one that `db` uses by `dialect`. `arrive` is waited for before a write gets in line. */
  constructor(db: Db, dialect: Dialect, driver: Driver, arrive?: () => Promise<void>) {
    this.#db = db;
    this.#driver = driver;
    // A member neither begins nor ends a transaction: it has no driver.
    this.#parts = { config: { dialect }, dialect, driver: new DummyDriver() };
    this.#arrive = arrive;
  }

  /** Runs `work` in the next commit, or the present one. Settles when that is on disk; rejects with what SQLite says when it fails. */
  write<T>(work: (trx: Trx) => Promise<T>): Promise<T> {
    if (insideWrite.getStore()?.open) throw new Error('A write() inside write() would wait for itself.');
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const member = { work, resolve, reject, failed: false, outcome: undefined };
    if (this.#arrive === undefined) this.#takeIn(member);
    else this.#arrive().then(() => this.#takeIn(member), reject);
    return promise as Promise<T>;
  }

  #takeIn(member: Member): void {
    this.#waiting.push(member);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#group();
    this.#running = false;
  }

  async #group(): Promise<void> {
    const members: Member[] = [];
    try {
      await this.#inTransaction((connection) => this.#members(connection, members));
    } catch (error) {
      this.#notCommitted(members, error);
      return;
    }
    for (const member of members) tell(member);
  }

  /** What Kysely's `transaction().execute` does, without an executor of its own for each commit. */
  async #inTransaction(work: (connection: DatabaseConnection) => Promise<void>): Promise<void> {
    const connection = await this.#driver.acquireConnection();
    try {
      await this.#driver.beginTransaction(connection, {});
      try {
        await work(connection);
        await this.#driver.commitTransaction(connection);
      } catch (error) {
        await this.#driver.rollbackTransaction(connection);
        throw error;
      }
    } finally {
      await this.#driver.releaseConnection(connection);
    }
  }

  async #members(connection: DatabaseConnection, members: Member[]): Promise<void> {
    const later = new LaterRows(this.#db, connection);
    const commit: Commit = { connection, later, known: new Map(), kept: 0, broken: null };
    while (members.length < MEMBERS_MAX) {
      const member = this.#waiting.shift();
      if (member === undefined) break;
      members.push(member);
      const turn: Turn = { commit, open: true, asked: false, marked: false, before: later.count, ready: null };
      try {
        member.outcome = await insideWrite.run(turn, member.work, this.#transaction(turn));
        await endTurn(turn);
        if (turn.marked) await connection.executeQuery(releaseSavepoint);
        commit.kept += 1;
      } catch (error) {
        await endTurn(turn);
        member.failed = true;
        member.outcome = error;
        await takeBack(turn, error);
      }
      if (commit.broken) throw commit.broken;
    }
    await later.insertFirst(later.count);
  }

  #transaction(turn: Turn): Trx {
    const executor = this.#db.getExecutor().withConnectionProvider({
      provideConnection: async (consumer) => useIn(turn, consumer),
    });
    return new MemberTransaction(turn, { ...this.#parts, executor });
  }

  /** Nothing is on disk. When it could not even begin, that is so for all who wait. */
  #notCommitted(members: readonly Member[], error: unknown): void {
    if (error instanceof NothingKept) for (const member of members) tell(member);
    else for (const { reject } of members.length > 0 ? members : this.#waiting.splice(0)) reject(error);
  }
}

function tell({ failed, resolve, reject, outcome }: Member): void {
  if (failed) reject(outcome);
  else resolve(outcome);
}

/** The first member failed: there is nothing to sync. */
class NothingKept extends Error {}

/** Takes one member back. The failure may have ended the whole transaction, as a full disk does: then it is the failure of all. */
async function takeBack({ commit, asked, marked, before }: Turn, failure: unknown): Promise<void> {
  commit.known = new Map();
  commit.later.keepFirst(before);
  if (asked && !marked) throw new NothingKept();
  if (!marked) return;
  try {
    await commit.connection.executeQuery(rollbackToSavepoint);
    await commit.connection.executeQuery(releaseSavepoint);
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
