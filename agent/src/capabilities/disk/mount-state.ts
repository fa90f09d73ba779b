import { accessSync, constants } from 'node:fs';
import { fault } from '@countersign/protocol';
import { readAllMounts } from '../../host/mounts.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readJournal } from '../logs/journal.ts';
import { readDiskHealth } from './disk-health.ts';
import { TELLS_OF_IO_ERROR } from './storage.ts';

const DAY_MS = 86_400_000;
const KERNEL_LINES = 1000;

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

/** I/O errors that the kernel told of within a day. Rejects with `capability_failed` where its log cannot be seen: not to see any is not to have none. */
async function countIoErrors(context: ObserveContext): Promise<number> {
  const { lines, blind } = await readJournal(context, {
    matches: ['_TRANSPORT=kernel'],
    since: context.clock.now() - DAY_MS,
    lines: KERNEL_LINES,
    grep: TELLS_OF_IO_ERROR,
  });
  if (blind !== null) throw fault('capability_failed', { capability: 'mount.state', reason: blind });
  return lines.length;
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
