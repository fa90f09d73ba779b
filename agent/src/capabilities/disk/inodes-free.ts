import { Fault, fault } from '@countersign/protocol';
import { mountOf, roomOf } from '../../host/mounts.ts';
import type { Observer } from '../capability.ts';

/** Free inodes of the file system that holds a path. */
export const inodesFree: Observer<'inodes.free'> = async ({ path }) => {
  try {
    const { inodesFree: free, inodesUsedRatio } = roomOf(path);
    return { mount: mountOf(path), inodes_free: free, used_percent: Math.ceil(inodesUsedRatio * 100) };
  } catch (error) {
    throw error instanceof Error && 'code' in error && !(error instanceof Fault)
      ? fault('file_not_found', { path }, error)
      : error;
  }
};
