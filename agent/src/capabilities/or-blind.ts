import { Fault } from '@countersign/protocol';
import type { Report } from './report.ts';

/**
 * Does one part of a diagnosis. What the catalogue has a word for becomes a blind spot in the report, and the rest of the
 * diagnosis goes on; defects and aborts are thrown. `what` begins the sentence: `Failed units`.
 */
export async function orBlind<T>(report: Report, what: string, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    report.blind(what, typeof error.slots.reason === 'string' ? error.slots.reason : error.message.replace(/\.$/, ''));
    return null;
  }
}
