/** Emptying a log that fills a disk, as logrotate's copytruncate does. Source: logrotate(8), ftruncate(2). */
import { fault, type ParametersOf, sizeBytes } from '@countersign/protocol';
import { z } from 'zod';
import { keepBackup } from '../../host/backups.ts';
import { emptyFile } from '../../host/cut-file.ts';
import { identityOf, targetOf } from '../../host/files.ts';
import { readTail } from '../../host/read-tail.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { count, sayBytes } from '../report.ts';
import { type LogWriter, readWriters } from './log-writers.ts';

type Parameters = ParametersOf<'log.truncate'>;

/** Below this there is nothing to win. */
const WORTH_BYTES = 1_000_000;
/** What names say that it is no log that a program writes lines to. Sources: logrotate(8), utmp(5), journald. */
const NO_LOG = /(\.(gz|xz|bz2|zst|journal~?|db|sqlite3?|wal|ibd|sst)|\/(wtmp|btmp|lastlog|faillog|tallylog)(\.\d+)?)$/;
const memorySchema = z.object({ path: z.string(), identity: z.string(), bytes: z.number(), tail: z.string() });

export const logTruncate: Changer<'log.truncate'> = {
  predictable: true,
  async preview(parameters, context) {
    const { path, stat, bytes, writers } = logOf(parameters, context);
    const holes = writers.filter(({ appends }) => !appends);
    return {
      preview: {
        argv: [],
        diff: null,
        effects: [
          `${path} is emptied while ${sayWriters(writers)} goes on writing to it; ${sayBytes(bytes)} become free.`,
          `Its last ${parameters.keep_tail}B are copied to the runner's folder on the server; all lines before are lost for good.`.replace(
            /(\d+)([KMG])B/,
            '$1 $2iB',
          ),
          ...(holes.length === 0
            ? []
            : [
                `${sayWriters(holes)} does not write at the end of the file: it will look as big as before, with a hole in the place of what is gone.`,
              ]),
        ],
        undo: null,
      },
      witness: [{ subject: `path ${path}`, property: 'identity', value: identityOf(stat) }],
    };
  },
  async remember(parameters, context) {
    const { path, stat, bytes } = logOf(parameters, context);
    const tail = readTail(path, writableRoots(context.localPolicy), sizeBytes(parameters.keep_tail));
    return { path, identity: identityOf(stat), bytes, tail: keepBackup(context, tail.text) };
  },
  async perform(_, memory) {
    const { path, identity, bytes, tail } = memorySchema.parse(memory);
    emptyFile(path, identity);
    return {
      changed: true,
      exit_code: null,
      summary: `${path} is empty, ${sayBytes(bytes)} were in it. Its end is kept as ${tail}.`,
    };
  },
  async recover(parameters, memory, context) {
    const before = memorySchema.parse(memory);
    const { path, stat } = targetOf(parameters.path, writableRoots(context.localPolicy));
    // A log never shrinks by itself: smaller than before means that it was emptied.
    const emptied = stat !== null && identityOf(stat) === before.identity && stat.blocks * 512 < before.bytes / 2;
    return emptied
      ? { changed: true, exit_code: null, summary: `Found after a restart of the runner: ${path} was emptied.` }
      : null;
  },
};

/** Throws `path_denied`, `file_not_found`, or `precondition_failed` for what is no log that somebody writes to. */
function logOf({ path: asked }: Parameters, context: ObserveContext) {
  const roots = writableRoots(context.localPolicy);
  const { path, stat } = targetOf(asked, roots);
  if (stat === null) throw fault('file_not_found', { path: asked });
  const bytes = stat.blocks * 512;
  const refuse = (reason: string) => fault('precondition_failed', { reason: `${path} ${reason}` });
  if (NO_LOG.test(path) || path.startsWith('/var/log/journal/')) throw refuse('is no log of lines');
  if (bytes < WORTH_BYTES) throw refuse(`takes ${sayBytes(bytes)} only`);
  if (stat.nlink > 1) throw refuse('has other names, which would lose their content too');
  if (readTail(path, roots, 4096).text.includes('\0')) throw refuse('does not end with text');
  const writers = readWriters((open) => open === path);
  if (writers.length === 0) throw refuse('is not open for writing in any process: rotate or remove it instead');
  return { path, stat, bytes, writers };
}

function sayWriters(writers: readonly LogWriter[]): string {
  const [first] = writers;
  const others = new Set(writers.map(({ pid }) => pid)).size - 1;
  return `${first?.name} (process ${first?.pid})${others > 0 ? ` with ${count(others, 'other')}` : ''}`;
}
