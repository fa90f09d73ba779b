/** File systems and the room in them. Source: proc_pid_mountinfo(5), statfs(2). */
import { readFileSync, statfsSync } from 'node:fs';
import { Fault, fault } from '@countersign/protocol';
import { orNull } from './look.ts';

export interface Mount {
  readonly mount: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
}

export interface Room {
  readonly bytes: number;
  /** What an ordinary user can still write. */
  readonly bytesFree: number;
  /** As `df` counts it: used / (used + free for users). From 0 to 1. */
  readonly usedRatio: number;
  readonly inodes: number;
  readonly inodesFree: number;
  /** 0 where the file system has no fixed number of inodes. */
  readonly inodesUsedRatio: number;
}

/** File systems that hold files of people. Others are the kernel's own, or layers of containers. */
const REAL = /^(ext[234]|xfs|btrfs|zfs|f2fs|jfs|reiserfs|vfat|exfat|ntfs3?|fuseblk|bcachefs|overlay|tmpfs)$/;
/** A server that does not answer would hold `statfs` forever. */
const NETWORK = /^(nfs4?|cifs|smb3|smbfs|ceph|glusterfs|9p|fuse\..*|afs|lustre)$/;

/** The mounts that diagnostics look at, each file system once (its shortest mount point), and the network mounts left out. */
export function readMounts(lines: readonly MountLine[] = readAllMounts()): {
  readonly mounts: Mount[];
  readonly network: Mount[];
} {
  return chooseMounts(lines);
}

/** Every mount, later ones over earlier ones of the same point. */
export function readAllMounts(): MountLine[] {
  return parseMounts(readMountText());
}

/** The kernel's list of mounts as it is. */
export const readMountText = () => readFileSync('/proc/self/mountinfo', 'utf8');

/** A mount with the number of its device. */
export interface MountLine extends Mount {
  readonly device: string;
  /** Whether the file system as a whole is read-only, not only seen so at this mount. */
  readonly fileSystemReadOnly: boolean;
}

export function parseMounts(text: string): MountLine[] {
  return text
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , device = '', , mount = '', options = ''] = before.split(' ');
      const [type = '', source = '', superOptions = ''] = after.split(' ');
      const fileSystemReadOnly = superOptions.split(',').includes('ro');
      const readOnly = fileSystemReadOnly || options.split(',').includes('ro');
      return { mount: unescapeOctal(mount), type, source: unescapeOctal(source), readOnly, device, fileSystemReadOnly };
    });
}

export function chooseMounts(lines: readonly MountLine[]): { readonly mounts: Mount[]; readonly network: Mount[] } {
  const byDevice = new Map<string, MountLine>();
  // A later mount over the same point hides the earlier one.
  const visible = [...new Map(lines.map((line) => [line.mount, line])).values()];
  for (const line of visible) {
    if (!REAL.test(line.type) || hidden(line)) continue;
    const known = byDevice.get(line.device);
    if (known === undefined || line.mount.length < known.mount.length) byDevice.set(line.device, line);
  }
  const strip = ({ mount, type, source, readOnly }: MountLine): Mount => ({ mount, type, source, readOnly });
  return {
    mounts: [...byDevice.values()].map(strip),
    network: visible.filter((line) => NETWORK.test(line.type)).map(strip),
  };
}

/**
 * Room of the file system that holds a path. Throws the system's error, and `precondition_failed` for a network mount: a server that
 * does not answer would hold this whole process.
 */
export function roomOf(path: string): Room {
  const lines = readAllMounts();
  const mount = deepest(lines, path);
  if (mount !== undefined && isNetworkMount(path, lines))
    throw fault('precondition_failed', {
      reason: `${mount.mount} is a network mount (${mount.type}), which may hang, so it is not asked`,
    });
  return roomHere(path);
}

/** The same, `null` where it cannot be asked: a network mount, or one that is gone. */
export function roomOrNull(path: string): Room | null {
  return orNull(() => roomOf(path));
}

/** The same for a path that somebody asked about. Throws `file_not_found`, and `precondition_failed` for a network mount. */
export function roomAsked(path: string): Room {
  try {
    return roomOf(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof Fault) throw error;
    throw fault('file_not_found', { path }, error);
  }
}

/** Whether a server elsewhere holds a path. The root is asked all the same: everything here waits for that one anyway. */
export function isNetworkMount(path: string, lines: readonly MountLine[]): boolean {
  const { type, mount } = deepest(lines, path) ?? {};
  return type !== undefined && mount !== '/' && NETWORK.test(type);
}

/** Room of the file system that holds a path which is known to be on no network mount. Throws the system's error. */
export function roomHere(path: string): Room {
  const found = statfsSync(path);
  const used = found.blocks - found.bfree;
  const reachable = used + found.bavail;
  return {
    bytes: found.blocks * found.bsize,
    bytesFree: found.bavail * found.bsize,
    usedRatio: reachable === 0 ? 0 : used / reachable,
    inodes: found.files,
    inodesFree: found.ffree,
    inodesUsedRatio: found.files === 0 ? 0 : (found.files - found.ffree) / found.files,
  };
}

/** The mount that holds a path: the longest mount point above it. */
export function mountOf(path: string): string {
  return mountLineOf(path)?.mount ?? '/';
}

/** The same with all that is known of it. Of mounts over the same point the last counts. */
function mountLineOf(path: string): MountLine | undefined {
  return deepest(readAllMounts(), path);
}

/** The mount among `lines` that holds a path. */
export function deepest(lines: readonly MountLine[], path: string): MountLine | undefined {
  return lines
    .filter(({ mount }) => mount === '/' || path === mount || path.startsWith(`${mount}/`))
    .reduce<MountLine | undefined>(
      (best, each) => (best === undefined || each.mount.length >= best.mount.length ? each : best),
      undefined,
    );
}

function hidden({ mount, type }: MountLine): boolean {
  if (/^\/(proc|sys|dev)(\/|$)/.test(mount)) return mount !== '/dev/shm';
  if (type === 'tmpfs' && /^\/run\/(user|credentials|lock)/.test(mount)) return true;
  return type === 'overlay' && /\/(docker|containers|containerd)\//.test(mount);
}

/** Blanks and the like in mount points and the names of swap files are written as three octal digits. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
