import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { readAllMounts } from '../../host/mounts.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readJournal } from '../logs/journal.ts';
import { readDiskHealth } from './disk-health.ts';
import { isIoError } from './storage.ts';

const DAY_MS = 86_400_000;
const KERNEL_LINES = 5000;

/** Whether a mount can be written to. Only where it says of itself that it can is it tried. */
export const mountState: Observer<'mount.state'> = async ({ path }, context) => {
  const mount = readAllMounts().findLast((line) => line.mount === path);
  const readOnly = mount?.readOnly ?? false;
  return {
    mounted: mount !== undefined,
    read_only: readOnly,
    written: mount !== undefined && !readOnly && triesToWrite(path),
    io_errors: await countIoErrors(context),
    device_failing: mount === undefined ? false : await isFailing(context, mount.source),
  };
};

/** I/O errors that the kernel told of within a day; 0 where its log cannot be seen. */
async function countIoErrors(context: ObserveContext): Promise<number> {
  const since = context.clock.now() - DAY_MS;
  const { lines } = await readJournal(context, { matches: ['_TRANSPORT=kernel'], since, lines: KERNEL_LINES });
  return lines.filter(({ message }) => isIoError(message)).length;
}

/** What the disk says of itself; a device that tells nothing is not known to fail. */
async function isFailing(context: ObserveContext, source: string): Promise<boolean> {
  return source.startsWith('/dev/') && (await readDiskHealth(context, source)) === 'failing';
}

/** Writes a few bytes into a file of its own and removes it. */
function triesToWrite(folder: string): boolean {
  const path = `${folder}/.countersign-write-test`;
  try {
    const file = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      return writeSync(file, 'x') === 1;
    } finally {
      closeSync(file);
      unlinkSync(path);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
