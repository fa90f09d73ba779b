/** Reads what is stored of an entry, which may be anything by now. */
import type { AuditEntryTable } from '../storage/audit-tables.ts';
import type { EntryBody } from './entry.ts';

/** Whether a value read from a log has what holds the chain together. */
export function isLink(value: unknown): value is Pick<EntryBody, 'seq' | 'prev'> {
  if (typeof value !== 'object' || value === null || !('seq' in value) || !('prev' in value)) return false;
  return Number.isSafeInteger(value.seq) && (value.seq as number) > 0 && typeof value.prev === 'string';
}

/**
 * The body of an entry; null when it cannot be read. Only what is needed to hold it in its place is looked at: what it says beyond
 * that is covered by its hash, and this runs for millions of them.
 */
export function bodyOf(text: string): EntryBody | null {
  try {
    const body = JSON.parse(text) as EntryBody | null;
    return isLink(body) && typeof body.who === 'object' && body.who !== null ? body : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The columns that repeat parts of the body so that they can be searched. */
export function columnsOf(body: EntryBody): Omit<AuditEntryTable, 'body' | 'hash'> {
  return {
    seq: body.seq,
    at: body.at,
    event: body.event,
    server_id: body.server,
    action_id: body.action,
    person_id: body.who.person?.id ?? null,
  };
}

/** SQL for the number of the last entry; 0 when there is none. */
export const logEndSql = '(select coalesce(max(seq), 0) from audit_entry)';

/**
 * SQL for the entry up to which the index goes; 0 when it is empty. What stands there beyond the end of the log is none of ours and
 * counts for nothing: else one such row would hide all entries that are still to come.
 */
export const indexEndSql = `(select coalesce(max(seq), 0) from audit_index where seq <= ${logEndSql})`;

/** SQL for whether the index has an entry as it is: 1, also for those that the index has not come to, or 0. */
export const indexedSql = `case when exists (
  select 1 from audit_index as i where i.seq = audit_entry.seq and i.at = audit_entry.at and i.event = audit_entry.event
  and i.server_id is not distinct from audit_entry.server_id and i.action_id is not distinct from audit_entry.action_id
) or seq > ${indexEndSql} then 1 else 0 end`;
