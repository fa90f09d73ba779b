/** Reads what is stored of an entry, which may be anything by now. */
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
