import { mountOf, roomAsked } from '../../host/mounts.ts';
import type { Observer } from '../capability.ts';

/** Free space of the file system that holds a path. */
export const diskFree: Observer<'disk.free'> = async ({ path }) => {
  const { bytesFree, usedRatio } = roomAsked(path);
  return { mount: mountOf(path), bytes_free: bytesFree, used_ratio: usedRatio };
};
