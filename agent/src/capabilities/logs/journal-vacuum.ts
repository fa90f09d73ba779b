import { capability, type StepResult, sizeBytes } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { readJournalFiles, vacuumed } from '../../host/journal-files.ts';
import type { ChangeContext, Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count, sayBytes } from '../report.ts';

/** Closes the files that are being written, then deletes the oldest ones. What is deleted is gone. */
export const journalVacuum: Changer<'journal.vacuum'> = {
  predictable: true,
  async preview({ keep }) {
    const { files, bytes } = readJournalFiles();
    const gone = vacuumed(files, sizeBytes(keep));
    const freed = gone.reduce((sum, file) => sum + file.bytes, 0);
    const oldestKept = files.find((file) => !gone.includes(file) && file.oldest !== null)?.oldest;
    const effects =
      gone.length === 0
        ? [`The journal takes ${sayBytes(bytes)}, no more than ${keep}: nothing is deleted.`]
        : [
            `The journal takes ${sayBytes(bytes)}. The oldest ${count(gone.length, 'file')} of it are deleted for good, which frees about ${sayBytes(freed)}.`,
            oldestKept == null
              ? 'Only entries written from now on remain.'
              : `Entries before ${new Date(oldestKept).toISOString()} are gone afterwards.`,
          ];
    return { preview: { argv: argvOf(keep), diff: null, effects, undo: null }, witness: [] };
  },
  async remember() {
    return { bytes: readJournalFiles().bytes };
  },
  async perform({ keep }, memory, context) {
    let done: Executed | undefined;
    for (const argv of argvOf(keep)) {
      done = await context.processes.start({
        argv,
        timeoutMs: capability('journal.vacuum').timeoutMs,
        signal: context.signal,
        onOutput: context.onOutput,
      });
      if (done.exitCode !== 0) break;
    }
    return resultOf(done, memory);
  },
  async recover(_, memory, context: ChangeContext) {
    const first = await context.processes.ended(1, context.onOutput);
    if (first !== null && first.exitCode !== 0) return resultOf(first, memory);
    const second = await context.processes.ended(2, context.onOutput);
    return second === null ? null : resultOf(second, memory);
  },
};

function argvOf(keep: string): string[][] {
  return [
    ['journalctl', '--rotate'],
    ['journalctl', `--vacuum-size=${keep}`],
  ];
}

function resultOf(done: Executed | undefined, memory: unknown): StepResult {
  const { bytes } = readJournalFiles();
  const before = memory !== null && typeof memory === 'object' && 'bytes' in memory ? Number(memory.bytes) : bytes;
  const now = `the journal takes ${sayBytes(bytes)} now, ${sayBytes(before)} before.`;
  if (done === undefined || done.exitCode !== 0)
    return {
      changed: bytes < before,
      exit_code: done ? exitCodeOf(done) : 127,
      summary: `journalctl ${done ? howItEnded(done) : 'was not started'}; ${now}`,
    };
  return { changed: bytes < before, exit_code: 0, summary: `Done; ${now}` };
}
