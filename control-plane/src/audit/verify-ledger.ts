/** Checks the audit log in the database: the chain, the signed checkpoints, and the columns that are searched. */
import type { Db } from '../storage/database.ts';
import type { AuditEntryTable } from '../storage/tables.ts';
import { checkpointsAfter, columnsOf, entriesAfter } from './audit.store.ts';
import { ChainCheck, isLink, type Verdict } from './chain-check.ts';
import type { EntryBody } from './entry.ts';

const PAGE = 2000;

/** Checks all entries. Entries since the last checkpoint are held by their chain only. Takes memory for one page at a time. */
export async function verifyLedger({
  db,
  publicKey,
}: {
  readonly db: Db;
  readonly publicKey: string;
}): Promise<Verdict> {
  const check = new ChainCheck(publicKey);
  let seq = 0;
  let covered = 0;
  for (;;) {
    const page = await entriesAfter(db, seq, Number.MAX_SAFE_INTEGER, PAGE);
    const last = page.at(-1)?.seq;
    if (last === undefined) break;
    const notes = await checkpointsUpTo(db, covered, last);
    for (const row of page) {
      readRow(check, row);
      const note = notes.get(row.seq);
      if (note !== undefined) check.checkpoint(note);
      notes.delete(row.seq);
    }
    // A checkpoint whose last entry is gone.
    for (const note of notes.values()) check.checkpoint(note);
    [seq, covered] = [last, last];
  }
  for (const { note } of await checkpointsAfter(db, covered, 1)) check.checkpoint(note);
  return check.verdict();
}

async function checkpointsUpTo(db: Db, after: number, upTo: number): Promise<Map<number, string>> {
  const notes = new Map<number, string>();
  for (const { size, note } of await checkpointsAfter(db, after, PAGE)) if (size <= upTo) notes.set(size, note);
  return notes;
}

function readRow(check: ChainCheck, row: AuditEntryTable): void {
  const body = bodyOf(row.body);
  if (!body) {
    check.problem(row.seq, 'was changed: its content cannot be read');
    return;
  }
  check.entry(row.body, row.hash, body);
  if (row.seq !== body.seq) return; // out of place: the check has named it
  const told = columnsOf(body);
  const names = ['at', 'event', 'server_id', 'action_id', 'person_id'] as const;
  if (names.some((name) => row[name] !== told[name]))
    check.problem(row.seq, 'was changed: what is searched is not what was recorded');
}

function bodyOf(text: string): EntryBody | null {
  try {
    const body = JSON.parse(text) as EntryBody | null;
    // Only what is needed here: what the entry says beyond it is covered by its hash, and this runs for millions of them.
    return isLink(body) && typeof body.who === 'object' && body.who !== null ? body : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
