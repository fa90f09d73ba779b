/**
 * Files of the server that the assistant may ask for. A path is resolved once, opened without following a link, and judged by
 * where the open file really is, so that nobody can swap it in between (T15). Sources: open(2), proc_pid_fd(5), statfs(2).
 */
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statfsSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Fault, fault } from '@countersign/protocol';
import { secretBecause } from './secret-files.ts';

/** Where files may be, and where not even below a root. */
export interface Roots {
  readonly roots: readonly string[];
  readonly denied: readonly string[];
}

/** File systems that show the kernel's inside as files. Magic numbers of statfs(2). */
const KERNEL_FILE_SYSTEMS = new Set([
  0x9fa0, 0x62656572, 0x1cd1, 0x63677270, 0x27e0eb, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11, 0x62656570,
  0x6165676c, 0xde5e81e4,
]);

/** An open regular file that was found to be allowed. Close it. */
export interface OpenFile extends Disposable {
  readonly fd: number;
  /** Where it really is. */
  readonly path: string;
  readonly stat: Stats;
}

/**
 * Opens a regular file for reading. Links are followed as long as they end below a root. Throws `file_not_found`, or
 * `path_denied` when it lies elsewhere, is no regular file, or holds secrets.
 */
export function openAllowed(path: string, roots: Roots): OpenFile {
  const real = allowedPath(path, roots);
  const fd = orDenied(path, () => openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  try {
    const found = readlinkSync(`/proc/self/fd/${fd}`);
    const reason = deniedBecause(found, roots);
    if (reason !== undefined) throw fault('path_denied', { path, reason });
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw fault('path_denied', { path, reason: 'it is not a regular file' });
    refuseKernelFiles(`/proc/self/fd/${fd}`, path);
    return { fd, path: found, stat, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Where a file or folder really is that may be looked at without being opened. Throws as {@link openAllowed}. */
export function placeAllowed(path: string, roots: Roots): string {
  const real = allowedPath(path, roots);
  const stat = lstatSync(real);
  if (!stat.isFile() && !stat.isDirectory())
    throw fault('path_denied', { path, reason: 'it is neither a regular file nor a folder' });
  refuseKernelFiles(real, path);
  return real;
}

/** Reads a whole file. Throws as {@link openAllowed}, and `file_too_large` above `maxBytes`. */
export function readAllowed(
  path: string,
  roots: Roots,
  maxBytes: number,
): { readonly path: string; readonly bytes: Buffer; readonly stat: Stats } {
  using file = openAllowed(path, roots);
  if (file.stat.size > maxBytes) throw fault('file_too_large', { path, bytes: file.stat.size, limit: maxBytes });
  // A file that grows meanwhile is read no further than the limit.
  const bytes = readUpTo(file.fd, maxBytes + 1);
  if (bytes.length > maxBytes) throw fault('file_too_large', { path, bytes: bytes.length, limit: maxBytes });
  return { path: file.path, bytes, stat: file.stat };
}

/** The pieces of an open file from its start, 256 KiB each at most. */
export function* piecesOf(fd: number): Generator<Buffer> {
  for (let offset = 0; ; ) {
    const piece = Buffer.alloc(256 * 1024);
    const read = readSync(fd, piece, 0, piece.length, offset);
    if (read === 0) return;
    offset += read;
    yield piece.subarray(0, read);
  }
}

/** Where a file that may be absent really is, or would be. Throws `path_denied`, or `file_not_found` for its folder. */
export function targetOf(path: string, roots: Roots): { readonly path: string; readonly stat: Stats | null } {
  const stat = lstatOrNull(path);
  if (stat !== null) {
    const real = allowedPath(path, roots);
    const target = lstatSync(real);
    if (!target.isFile()) throw fault('path_denied', { path, reason: 'it is not a regular file' });
    refuseKernelFiles(real, path);
    return { path: real, stat: target };
  }
  const folder = orDenied(dirname(path), () => realpathSync(dirname(path)));
  const real = folder === '/' ? `/${basename(path)}` : `${folder}/${basename(path)}`;
  const reason = deniedBecause(real, roots);
  if (reason !== undefined) throw fault('path_denied', { path, reason });
  refuseKernelFiles(folder, path);
  return { path: real, stat: null };
}

/**
 * Puts new content in the place of a file, whole or not at all, durable on return. `path` must be real (from {@link targetOf}).
 * Mode and owner are those given. Throws `path_denied` with the system's reason when it cannot be written.
 */
export function replaceFile(
  path: string,
  content: Uint8Array,
  owner: { readonly mode: number; readonly uid: number; readonly gid: number },
): void {
  withFolder(path, (folder, name) => {
    const beside = `${folder}/.${name}.countersign-new`;
    rmSync(beside, { force: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = openSync(beside, flags, 0o600);
    try {
      for (let done = 0; done < content.length; ) done += writeSync(file, content, done);
      const own = fstatSync(file);
      if (own.uid !== owner.uid || own.gid !== owner.gid) fchownSync(file, owner.uid, owner.gid);
      fchmodSync(file, owner.mode & 0o7777);
      fsyncSync(file);
      renameSync(beside, `${folder}/${name}`);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
  });
}

/** Removes a file durably. `path` must be real. Nothing happens when there is none. */
export function removeFile(path: string): void {
  withFolder(path, (folder, name) => rmSync(`${folder}/${name}`, { force: true }));
}

/** SHA-256 of an open file, in hex. */
export function sha256OfFile(fd: number): string {
  const hash = createHash('sha256');
  for (const piece of piecesOf(fd)) hash.update(piece);
  return hash.digest('hex');
}

/** Why a real path may not be touched, or `undefined`. */
export function deniedBecause(realPath: string, { roots, denied }: Roots): string | undefined {
  const below = (root: string) => realPath === root || root === '/' || realPath.startsWith(`${root}/`);
  if (denied.some(below)) return "the server's own policy denies it";
  const secret = secretBecause(realPath);
  if (secret !== undefined) return secret;
  if (!roots.some((root) => below(root) || below(realRoot(root))))
    return 'it is not below a root that the server allows';
  return undefined;
}

/** `lstat`, or `null` when there is nothing. */
export function lstatOrNull(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Device and inode as one text: equal for the same file only. */
export function identityOf(stat: Stats | BigIntStats): string {
  return `${stat.dev}:${stat.ino}`;
}

/** A root may be a link itself: /var/run, a /tmp elsewhere. */
function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (error) {
    if (error instanceof Error) return root;
    throw error;
  }
}

function allowedPath(path: string, roots: Roots): string {
  // Judged before the system is asked, so that nobody learns what exists outside of the roots.
  const asked = deniedBecause(path, roots);
  if (asked !== undefined) throw fault('path_denied', { path, reason: asked });
  const real = orDenied(path, () => realpathSync(path));
  const reason = deniedBecause(real, roots);
  if (reason !== undefined)
    throw fault('path_denied', { path, reason: real === path ? reason : `it leads to ${real}, and ${reason}` });
  return real;
}

function refuseKernelFiles(at: string, path: string): void {
  if (KERNEL_FILE_SYSTEMS.has(statfsSync(at).type))
    throw fault('path_denied', { path, reason: 'it is on a kernel file system' });
}

/** Works in a file's folder by way of an open descriptor of it, so that the folder cannot be swapped for a link meanwhile. */
function withFolder(path: string, work: (folder: string, name: string) => void): void {
  const folder = dirname(path);
  orDenied(path, () => {
    const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== folder)
        throw fault('path_denied', { path, reason: 'its folder was moved' });
      work(`/proc/self/fd/${fd}`, basename(path));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function readUpTo(fd: number, limit: number): Buffer {
  const pieces: Buffer[] = [];
  let size = 0;
  for (const piece of piecesOf(fd)) {
    pieces.push(piece);
    size += piece.length;
    if (size >= limit) break;
  }
  return Buffer.concat(pieces).subarray(0, limit);
}

function orDenied<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** The catalogue fault of a system error about a path. */
function faultOf(error: unknown, path: string): Fault | unknown {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error))
    return error;
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return fault('file_not_found', { path }, error);
  const reasons: Record<string, string> = {
    ELOOP: 'it is a link',
    EACCES: 'the agent has no right to it',
    EPERM: 'the system forbids it',
    EROFS: 'its file system is read-only',
    ENOSPC: 'its file system is full',
    EISDIR: 'it is a folder',
    ENXIO: 'it is not a regular file',
  };
  return fault('path_denied', { path, reason: reasons[error.code] ?? `the system says ${error.code}` }, error);
}
