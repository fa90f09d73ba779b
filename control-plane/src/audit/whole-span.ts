/** Many entries at once: whether they are all as they were written and follow one another. Pure, so that a thread can look. */
import { sha256 } from '@countersign/protocol/digest';
import { bodyOf, columnsOf } from './stored-entry.ts';

/** An entry as it is stored, and whether the index finds it: seq, at, event, server_id, action_id, person_id, body, hash, indexed. */
export type StoredRow = readonly unknown[];

/** Entries with nothing wrong among them. */
export interface WholeSpan {
  readonly first: number;
  /** What the first one says that the hash before it was. */
  readonly prev: string;
  readonly last: number;
  /** The hash of the last one. */
  readonly head: string;
}

/**
 * The entries as spans, a new one after each number in `cuts`; null when anything is not as it should be, be it in one entry or between
 * two: then they must be looked at one by one.
 */
export function wholeSpans(rows: Iterable<StoredRow>, cuts: ReadonlySet<number>): WholeSpan[] | null {
  const spans: WholeSpan[] = [];
  let open: { first: number; prev: string } | null = null;
  let [last, head] = [0, ''];
  for (const row of rows) {
    const prev = prevOf(row);
    if (prev === null) return null;
    const [seq, hash] = [row[0] as number, row[7] as string];
    if (last > 0 && (seq !== last + 1 || prev !== head)) return null;
    open ??= { first: seq, prev };
    [last, head] = [seq, hash];
    if (!cuts.has(seq)) continue;
    spans.push({ ...open, last, head });
    open = null;
  }
  if (open) spans.push({ ...open, last, head });
  return spans;
}

/** What an entry says that the hash before it was; null when the entry is not as it was written. */
function prevOf([seq, at, event, server, action, person, text, hash, indexed]: StoredRow): string | null {
  if (typeof text !== 'string' || indexed !== 1 || sha256(text) !== hash) return null;
  const body = bodyOf(text);
  if (body === null) return null;
  const told = columnsOf(body);
  const same =
    seq === told.seq &&
    at === told.at &&
    event === told.event &&
    server === told.server_id &&
    action === told.action_id &&
    person === told.person_id;
  return same ? body.prev : null;
}
