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
} from 'kysely';
import type { Db, Trx } from './database.ts';
import { begin, commit as commitAll, insideWrite, type OneConnection } from './dialect.ts';
import { LaterRows } from './later-rows.ts';
import { type Commit, endTurn, MemberTransaction, run, type Turn, useIn } from './turn.ts';

/** Enough that the sync costs little for each, and few enough that who waits for the connection to read gets it soon. */
const MEMBERS_MAX = 128;

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

interface WritersOptions {
  /** Is waited for before a write gets in line. */
  readonly arrive?: (() => Promise<void>) | undefined;
  /** Takes the connection of the driver when it is free: a transaction on it is begun and committed at once. */
  readonly hold?: (() => OneConnection | null) | undefined;
}

/** All that write to one database. */
export class Writers {
  readonly #db: Db;
  readonly #parts: Omit<KyselyProps, 'executor'>;
  readonly #driver: Driver;
  readonly #arrive: (() => Promise<void>) | undefined;
  readonly #hold: () => OneConnection | null;
  #waiting: Member[] = [];
  #running = false;

  /** `driver`: the one that `db` uses by `dialect`. */
  constructor(db: Db, dialect: Dialect, driver: Driver, { arrive, hold = () => null }: WritersOptions) {
    this.#db = db;
    this.#driver = driver;
    this.#hold = hold;
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
    while (this.#waiting.length > 0) {
      const members: Member[] = [];
      try {
        await this.#inTransaction(members);
        for (const member of members) tell(member);
      } catch (error) {
        this.#notCommitted(members, error);
      }
    }
    this.#running = false;
  }

  /** What Kysely's `transaction().execute` does, without an executor of its own for each commit. Puts in `members` who had their turn. */
  async #inTransaction(members: Member[]): Promise<void> {
    const held = this.#hold();
    const connection = held ?? (await this.#driver.acquireConnection());
    try {
      if (held) held.run(begin);
      else await this.#driver.beginTransaction(connection, {});
      try {
        await this.#members(connection, members);
        if (held) held.run(commitAll);
        else await this.#driver.commitTransaction(connection);
      } catch (error) {
        await this.#driver.rollbackTransaction(connection);
        throw error;
      }
    } finally {
      const released = this.#driver.releaseConnection(connection);
      if (!held) await released;
    }
  }

  // Waits for nothing that is there: each wait is a turn of its own, also for what has come.
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
        const ending = endTurn(turn);
        if (ending) await ending;
        if (turn.marked) await run(connection, releaseSavepoint);
        commit.kept += 1;
      } catch (error) {
        await endTurn(turn);
        member.failed = true;
        member.outcome = error;
        await takeBack(turn, error);
      }
      if (commit.broken) throw commit.broken;
    }
    const inserting = later.insertFirst(later.count);
    if (inserting) await inserting;
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
    await run(commit.connection, rollbackToSavepoint);
    await run(commit.connection, releaseSavepoint);
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
