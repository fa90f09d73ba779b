import { mountOf, roomAsked } from '../../host/mounts.ts';
import type { Observer } from '../capability.ts';

/** Free inodes of the file system that holds a path. */
export const inodesFree: Observer<'inodes.free'> = async ({ path }) => {
  const { inodesFree, inodesUsedRatio } = roomAsked(path);
  return { mount: mountOf(path), inodes_free: inodesFree, used_percent: Math.ceil(inodesUsedRatio * 100) };
};
