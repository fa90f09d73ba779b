import { sizeBytes } from '@countersign/protocol';
import { readJournalFiles } from '../../host/journal-files.ts';
import type { Observer } from '../capability.ts';

/** How much space the journal takes, and its oldest entry. Files that are being written cannot be deleted, so they are no excess. */
export const journalUsage: Observer<'journal.usage'> = async ({ keep }) => {
  const { files, bytes } = readJournalFiles();
  const oldest = files.find((file) => file.oldest !== null)?.oldest ?? null;
  const closed = files.filter(({ archived }) => archived).reduce((sum, file) => sum + file.bytes, 0);
  const over = keep === undefined ? 0 : Math.max(0, closed - sizeBytes(keep));
  return { bytes, over_bytes: over, oldest: oldest === null ? null : new Date(oldest).toISOString() };
};
