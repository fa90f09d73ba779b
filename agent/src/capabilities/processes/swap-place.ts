/** Where a swap file can lie, and how large it may be. Source: swapon(8), mkswap(8). */
import { statOrNull } from '../../host/look.ts';
import { deepest, readAllMounts, roomOf } from '../../host/mounts.ts';
import { foldersAbove, isRootsAlone } from '../../host/only-root.ts';
import { readMemory } from '../../host/system.ts';
import type { LocalRules } from '../capability.ts';

/** File systems that take a swap file as it is. On btrfs and zfs one must be made with special care, overlay takes none. */
const TAKES_SWAP = /^(ext[234]|xfs)$/;
/** Of the file system: what must stay free. */
const FREE_RATIO_MIN = 0.1;
const MEMORY_RATIO_MAX = 2;
const MIB = 1024 ** 2;
const OFFERED_MAX = 2048 * MIB;
const OFFERED_MIN = 32 * MIB;

/** Why a swap file of this size cannot be made there, or `null`. The folder of `path` exists. */
export function whyNoSwapAt(path: string, bytes: number): string | null {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/';
  const type = typeOf(folder);
  if (!TAKES_SWAP.test(type)) return `${folder} is on ${type}, and a swap file needs ext4 or xfs`;
  const { totalBytes } = readMemory();
  if (bytes > totalBytes * MEMORY_RATIO_MAX) return 'it would be more than twice the memory of the server';
  if (bytes > spareBytes(folder)) return `less than a tenth of the file system of ${folder} would stay free`;
  return null;
}

/**
 * Why others than root could put something else in the place of a file there, or `null`. Programs that make a swap file follow links,
 * and what fstab names is given parts of the memory at each boot: so every folder above has to be root's alone.
 */
export function whyOthersReach(folder: string): string | null {
  const open = [folder, ...foldersAbove(folder)].findLast((each) => {
    const stat = statOrNull(each);
    return stat === null || !isRootsAlone(stat);
  });
  return open === undefined ? null : `others than root can change ${open}, and so what lies in the place of the file`;
}

/** A place and a size that would do, among the folders that the server's owner lets be written; `null` when there is none. */
export function placeForSwap({ writeRoots, deniedPaths = [] }: LocalRules): { path: string; size: string } | null {
  const points = readAllMounts().map(({ mount }) => mount);
  const below = points.filter((point) => writeRoots.some((root) => point.startsWith(`${root === '/' ? '' : root}/`)));
  const folders = [
    ...(writeRoots.includes('/') || writeRoots.includes('/swapfile') ? ['/'] : []),
    ...writeRoots,
    ...below,
  ];
  const places = folders
    .filter((folder) => statOrNull(folder)?.isDirectory() === true && TAKES_SWAP.test(typeOf(folder)))
    .filter((folder) => whyOthersReach(folder) === null)
    .map((folder) => ({ path: `${folder === '/' ? '' : folder}/swapfile`, spare: spareBytes(folder) }))
    .filter(({ path }) => statOrNull(path) === null && !deniedPaths.includes(path));
  const most = places.reduce<(typeof places)[number] | null>(
    (best, each) => (best === null || each.spare > best.spare ? each : best),
    null,
  );
  if (most === null) return null;
  const bytes = Math.min(OFFERED_MAX, readMemory().totalBytes, most.spare);
  return bytes < OFFERED_MIN ? null : { path: most.path, size: `${Math.floor(bytes / MIB)}M` };
}

/** What may still be taken from the file system of a folder. */
function spareBytes(folder: string): number {
  const { bytes, bytesFree } = roomOf(folder);
  return Math.max(0, bytesFree - bytes * FREE_RATIO_MIN);
}

function typeOf(folder: string): string {
  return deepest(readAllMounts(), folder)?.type ?? 'an unknown file system';
}
