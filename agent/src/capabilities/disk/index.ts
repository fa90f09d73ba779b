/** The code behind `protocol/src/capabilities/disk.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { unitDeletedFiles } from './deleted-files.ts';
import { disk } from './disk.ts';
import { diskFree } from './disk-free.ts';
import { inodes } from './inodes.ts';
import { inodesFree } from './inodes-free.ts';
import { mountState } from './mount-state.ts';
import { remountRw } from './remount-rw.ts';
import { sessionsPack } from './sessions-pack.ts';
import { storageHw } from './storage-hw.ts';
import { tmpClean } from './tmp-clean.ts';

export const diagnostics = { disk, inodes, storage_hw: storageHw } satisfies Partial<Observers>;
export const probes = {
  'disk.free': diskFree,
  'inodes.free': inodesFree,
  'mount.state': mountState,
  'unit.deleted_files': unitDeletedFiles,
} satisfies Partial<Observers>;
export const changes = {
  'mount.remount_rw': remountRw,
  'sessions.pack': sessionsPack,
  'tmp.clean': tmpClean,
} satisfies Partial<Changers>;
