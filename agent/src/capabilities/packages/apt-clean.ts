import { capability, fault, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count, sayBytes } from '../report.ts';
import { ARCHIVES, readArchives, readPackageLockHolders } from './apt.ts';

const ARGV = ['apt-get', 'clean'];

/** Deletes what apt downloaded. What is installed stays; a package server has them all again. */
export const aptClean: Changer<'apt.clean'> = {
  predictable: true,
  async preview() {
    requireUnlocked();
    const { files, bytes } = readArchives();
    return {
      preview: {
        argv: [ARGV],
        diff: null,
        effects: [
          files === 0
            ? `There is nothing in ${ARCHIVES}: nothing is deleted.`
            : `${count(files, 'downloaded package')} in ${ARCHIVES} ${files === 1 ? 'is' : 'are'} deleted, which frees about ${sayBytes(bytes)}. Installed packages stay.`,
        ],
        undo: null,
      },
      witness: [],
    };
  },
  async remember() {
    return { bytes: readArchives().bytes };
  },
  async perform(_, __, context) {
    requireUnlocked();
    const { timeoutMs } = capability('apt.clean');
    const { signal, onOutput } = context;
    return resultOf(await context.processes.start({ argv: ARGV, timeoutMs, signal, onOutput }));
  },
  async recover(_, __, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(done);
  },
};

/** Throws `precondition_failed` while somebody works on the packages: it may need what was downloaded. */
export function requireUnlocked(): void {
  const [holder] = readPackageLockHolders();
  if (holder === undefined) return;
  const reason = `${holder.name} (process ${holder.pid}) holds the lock of the package database, and it lives`;
  throw fault('precondition_failed', { reason });
}

function resultOf(done: Executed): StepResult {
  const left = `apt keeps ${sayBytes(readArchives().bytes)} now.`;
  const exitCode = exitCodeOf(done);
  const summary = exitCode === 0 ? `Done; ${left}` : `apt-get ${howItEnded(done)}; ${left}`;
  return { changed: true, exit_code: exitCode, summary };
}
