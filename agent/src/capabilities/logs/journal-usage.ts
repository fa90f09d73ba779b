import { readJournalFiles } from '../../host/journal-files.ts';
import type { Observer } from '../capability.ts';

/** How much space the journal takes, and its oldest entry. */
export const journalUsage: Observer<'journal.usage'> = async () => {
  const { files, bytes } = readJournalFiles();
  const oldest = files.find((file) => file.oldest !== null)?.oldest ?? null;
  return { bytes, oldest: oldest === null ? null : new Date(oldest).toISOString() };
};
