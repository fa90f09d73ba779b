import { accessSync, constants } from 'node:fs';
import { readAllMounts } from '../../host/mounts.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readJournal } from '../logs/journal.ts';
import { readDiskHealth } from './disk-health.ts';
import { isIoError } from './storage.ts';

const DAY_MS = 86_400_000;
const KERNEL_LINES = 5000;

/** Whether a mount can be written to, and whether its disk is in trouble. */
export const mountState: Observer<'mount.state'> = async ({ path }, context) => {
  const mount = readAllMounts().findLast((line) => line.mount === path);
  const readOnly = mount?.readOnly ?? false;
  return {
    mounted: mount !== undefined,
    read_only: readOnly,
    writable: mount !== undefined && isWritable(path),
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

/** Whether root may write there now; nothing is written. Source: access(2), EROFS. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
