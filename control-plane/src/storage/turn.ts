/** The turn of one write in a commit: what it is handed, and how what it asks comes to the database (`group-commit.ts`). */
import { CompiledQuery, type DatabaseConnection, type KyselyProps, type QueryResult, Transaction } from 'kysely';
import type { Db, Trx } from './database.ts';
import { OneConnection } from './dialect.ts';
import type { InsertOf, LaterRows } from './later-rows.ts';
import type { Tables } from './tables.ts';

const setSavepoint = CompiledQuery.raw('savepoint member');

/** What the members of one commit wrote so far. */
export interface Commit {
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
export interface Turn {
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
export class MemberTransaction extends Transaction<Tables> {
  readonly turn: Turn;

  constructor(turn: Turn, parts: KyselyProps) {
    super(parts);
    this.turn = turn;
  }
}

const ENDED = 'This write has ended: wait for every query before it does.';

/** Uses the connection, as soon as it is ready for the next query of this write. */
export function useIn<T>(turn: Turn, use: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
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

/** Runs a query of our own. A connection that answers at once has done so when this returns: there is nothing to wait for. */
export function run(connection: DatabaseConnection, query: CompiledQuery): Promise<unknown> | null {
  if (!(connection instanceof OneConnection)) return connection.executeQuery(query);
  connection.run(query);
  return null;
}

/**
 * Nothing is put any more. What the write left running may be in the midst of {@link makeReady}: only then is it known what there is
 * to take back; null when there is nothing to wait for.
 */
export function endTurn(turn: Turn): Promise<void> | null {
  turn.open = false;
  return turn.ready?.catch(() => undefined) ?? null; // seen by whoever asked, and in `broken`
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
      await run(commit.connection, setSavepoint);
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

const freeOn = new WeakMap<Db | Trx, () => OneConnection | null>();

/** Has compiled queries on `db` go straight to what `free` gives, where that is a connection. */
export function goStraight(db: Db, free: () => OneConnection | null): void {
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
