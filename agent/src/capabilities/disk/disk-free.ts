import { Fault, fault } from '@countersign/protocol';
import { mountOf, roomOf } from '../../host/mounts.ts';
import type { Observer } from '../capability.ts';

/** Free space of the file system that holds a path. */
export const diskFree: Observer<'disk.free'> = async ({ path }) => {
  try {
    const { bytesFree, usedRatio } = roomOf(path);
    return { mount: mountOf(path), bytes_free: bytesFree, used_ratio: usedRatio };
  } catch (error) {
    throw error instanceof Error && 'code' in error && !(error instanceof Fault)
      ? fault('file_not_found', { path }, error)
      : error;
  }
};
