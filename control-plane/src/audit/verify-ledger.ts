/**
 * Checks the audit log in the database: the chain, the signed checkpoints, and the columns and the index that are searched. Long
 * logs are looked through by threads, a page each; what they find whole is taken as one, and every other page is gone through entry
 * by entry here.
 */
import { type Db, fileOf } from '../storage/database.ts';
import { checkpointsAfter, lastEntry } from './audit.store.ts';
import { type EntryAsFound, entriesAsFound, indexedBeyond } from './audit-index.store.ts';
import { ChainCheck, type Verdict } from './chain-check.ts';
import { type SpanQuestion, SpanThreads } from './span-threads.ts';
import { bodyOf, columnsOf } from './stored-entry.ts';
import { type WholeSpan, wholeSpans } from './whole-span.ts';

const PAGE = 2000;
/** So many entries are checked before a thread has begun. */
const THREADS_FROM = 20_000;
/** Pages that a thread is asked for before the first of them is needed. */
const AHEAD = 2;

interface Page extends SpanQuestion {
  readonly notes: ReadonlyMap<number, string>;
  readonly spans: Promise<WholeSpan[] | null>;
}

/**
 * Checks all entries. Entries since the last checkpoint are held by their chain only. Takes memory for a few pages at a time.
 * For tests: `inSpans` false goes through all of them here, one by one, which finds the same.
 */
export async function verifyLedger(
  { db, publicKey }: { readonly db: Db; readonly publicKey: string },
  { threadsFrom = THREADS_FROM, pageSize = PAGE, inSpans = true } = {},
): Promise<Verdict> {
  const check = new ChainCheck(publicKey);
  const newest = inSpans ? ((await lastEntry(db))?.seq ?? 0) : 0;
  const file = newest < threadsFrom ? null : fileOf(db);
  await using threads = file === null ? null : SpanThreads.take(file);
  const ask = (question: SpanQuestion) => (threads ? threads.ask(question) : lookHere(db, question));
  const ahead = threads ? threads.size * AHEAD : 1;
  const asked: Page[] = [];
  for (let after = 0; ; ) {
    for (let next = asked.at(-1)?.upTo ?? after; asked.length < ahead && next < newest; next += pageSize) {
      const upTo = Math.min(next + pageSize, newest);
      const notes = await checkpointsUpTo(db, next, upTo);
      const question = { after: next, upTo, cuts: [...notes.keys()] };
      asked.push({ ...question, notes, spans: ask(question) });
    }
    const page = asked.shift();
    const whole = page ? takeWhole(check, page, await page.spans) : after;
    if (whole === page?.upTo) {
      after = whole;
      continue;
    }
    asked.length = 0; // from here on pages begin elsewhere
    const last = await oneByOne(db, check, whole, pageSize - (whole - after));
    if (last === null) {
      for (const { note } of await checkpointsAfter(db, whole, 1)) check.checkpoint(note);
      const beyond = await indexedBeyond(db);
      if (beyond !== null)
        check.problem(null, `the index was changed: it has entry ${beyond}, beyond the end of the log`);
      return check.verdict();
    }
    after = last;
  }
}

async function lookHere(db: Db, { after, upTo, cuts }: SpanQuestion): Promise<WholeSpan[] | null> {
  const rows = await entriesAsFound(db, after, upTo, upTo - after);
  return wholeSpans(
    rows.map((it) => [it.seq, it.at, it.event, it.server_id, it.action_id, it.person_id, it.body, it.hash, it.indexed]),
    new Set(cuts),
  );
}

/** Takes what is whole of a page, when the page is. Returns up to which number that is. */
function takeWhole(check: ChainCheck, { after, upTo, notes }: Page, spans: readonly WholeSpan[] | null): number {
  if (spans?.[0]?.first !== after + 1 || spans.at(-1)?.last !== upTo) return after;
  let taken = after;
  for (const span of spans) {
    if (!check.span(span)) break;
    taken = span.last;
    const note = notes.get(taken);
    if (note !== undefined) check.checkpoint(note);
  }
  return taken;
}

/** Goes through at most `limit` entries after a number. Returns the number of the last one; null when there was none. */
async function oneByOne(db: Db, check: ChainCheck, after: number, limit: number): Promise<number | null> {
  const page = await entriesAsFound(db, after, Number.MAX_SAFE_INTEGER, limit);
  const last = page.at(-1)?.seq;
  if (last === undefined) return null;
  const notes = await checkpointsUpTo(db, after, last);
  for (const row of page) {
    readRow(check, row);
    const note = notes.get(row.seq);
    if (note !== undefined) check.checkpoint(note);
    notes.delete(row.seq);
  }
  // A checkpoint whose last entry is gone.
  for (const note of notes.values()) check.checkpoint(note);
  return last;
}

async function checkpointsUpTo(db: Db, after: number, upTo: number): Promise<Map<number, string>> {
  const notes = new Map<number, string>();
  for (const { size, note } of await checkpointsAfter(db, after, PAGE)) if (size <= upTo) notes.set(size, note);
  return notes;
}

function readRow(check: ChainCheck, row: EntryAsFound): void {
  const body = bodyOf(row.body);
  if (!body) {
    check.problem(row.seq, 'was changed: its content cannot be read');
    return;
  }
  check.entry(row.body, row.hash, body);
  if (row.seq !== body.seq) return; // out of place: the check has named it
  const told = columnsOf(body);
  const names = ['at', 'event', 'server_id', 'action_id', 'person_id'] as const;
  if (row.indexed !== 1 || names.some((name) => row[name] !== told[name]))
    check.problem(row.seq, 'was changed: what is searched is not what was recorded');
}
