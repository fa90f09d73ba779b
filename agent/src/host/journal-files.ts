/** The files of the system journal: how big, how old. Source: systemd.io/JOURNAL_FILE_FORMAT, systemd-journald.service(8). */
import { closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fault } from '@countersign/protocol';

export interface JournalFile {
  readonly path: string;
  /** Room that it takes on disk. */
  readonly bytes: number;
  /** Whether it is closed, so that vacuuming may delete it. */
  readonly archived: boolean;
  /** Of its first and last entry, milliseconds since 1970; `null` when it has none or is damaged. */
  readonly oldest: number | null;
  readonly newest: number | null;
}

const FOLDERS = ['/var/log/journal', '/run/log/journal'];
const SIGNATURE = 'LPKSHHRH';
/** Offsets of head_entry_realtime and tail_entry_realtime in the header, microseconds. */
const HEAD_REALTIME = 184;
const TAIL_REALTIME = 192;

/**
 * All journal files, oldest first, with the room that they take together. Empty when this machine keeps no journal. Throws
 * `capability_failed` when they may not be looked at.
 */
export function readJournalFiles(folders: readonly string[] = FOLDERS): {
  readonly files: JournalFile[];
  readonly bytes: number;
} {
  const files = folders.flatMap((folder) => journalFilesIn(folder));
  files.sort((a, b) => (a.oldest ?? 0) - (b.oldest ?? 0));
  return { files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** What `journalctl --rotate --vacuum-size=KEEP` would delete: the oldest files, until the rest is small enough. */
export function vacuumed(files: readonly JournalFile[], keepBytes: number): JournalFile[] {
  let left = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const gone: JournalFile[] = [];
  for (const file of files) {
    if (left <= keepBytes) break;
    gone.push(file);
    left -= file.bytes;
  }
  return gone;
}

function journalFilesIn(folder: string): JournalFile[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.journal~?$/.test(entry.name))
      .flatMap((entry) => describeFile(join(entry.parentPath, entry.name)) ?? []);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT') return [];
    throw fault(
      'capability_failed',
      { capability: 'journal.usage', reason: 'the agent may not look at the journal without root' },
      error,
    );
  }
}

/** `null` for a file that is gone meanwhile. */
function describeFile(path: string): JournalFile | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  const header = Buffer.alloc(TAIL_REALTIME + 8);
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  const damaged = header.toString('latin1', 0, 8) !== SIGNATURE;
  const time = (offset: number) => {
    const microseconds = header.readBigUInt64LE(offset);
    return damaged || microseconds === 0n ? null : Number(microseconds / 1000n);
  };
  return {
    path,
    bytes: stat.blocks * 512,
    archived: path.includes('@') || path.endsWith('~'),
    oldest: time(HEAD_REALTIME),
    newest: time(TAIL_REALTIME),
  };
}
