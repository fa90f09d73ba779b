/** Writing to the journal where an action goes on, or ends, also when the disk does not take it: the log then says so. */
import { Fault } from '@countersign/protocol';
import type { Log } from '../host/log.ts';
import type { Journal } from './journal.ts';

interface Book {
  readonly journal: Journal;
  readonly log: Log;
}

type Entry = Parameters<Journal['append']>[0];

/** Whether the entry is in the journal, and on disk unless it says `sync: false`. */
export function tryAppend({ journal, log }: Book, entry: Entry, options?: Parameters<Journal['append']>[1]): boolean {
  try {
    journal.append(entry, options);
    return true;
  } catch (error) {
    return unwritable(log, entry, error);
  }
}

/** The same for who may wait for the disk, together with others: whether it is on disk. */
export async function tryAppendDurably({ journal, log }: Book, entry: Entry): Promise<boolean> {
  try {
    journal.append(entry, { sync: false });
    await journal.durable();
    return true;
  } catch (error) {
    return unwritable(log, entry, error);
  }
}

function unwritable(log: Log, entry: Entry, error: unknown): false {
  if (!(error instanceof Fault)) throw error;
  const actionId = 'actionId' in entry ? entry.actionId : null;
  log.error('journal.unwritable', { entry: entry.kind, actionId, error });
  return false;
}
