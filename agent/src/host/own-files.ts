/**
 * Files of our own: settings that the owner wrote, keys, the journal, the outbox. Whatever is written here is on disk when
 * the call returns, and a file that is replaced is never half there. Source: open(2), fsync(2), fdatasync(2), rename(2).
 */
import {
  chownSync,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** A file and whom to trust it by. */
export interface OwnFile {
  readonly bytes: Buffer;
  readonly uid: number;
  /** Permission bits: `0o644`. */
  readonly mode: number;
}

/**
 * Reads a whole file without following a link in its last part. `null` when there is none. Throws the system's error
 * otherwise, and `RangeError` when it is no regular file or has more than `maxBytes`.
 */
export function readOwnFile(path: string, maxBytes: number): OwnFile | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const { size, uid, mode } = regular(file, path);
    if (size > maxBytes) throw new RangeError(`${path} has ${size} bytes, more than ${maxBytes}`);
    return { bytes: readFrom(file, 0, size), uid, mode: mode & 0o777 };
  } finally {
    closeSync(file);
  }
}

/**
 * Replaces a file as a whole: written beside it, made durable, renamed over it. Its owner becomes that of its folder where we may.
 * With `durable: false` it is whole for every reader, but a crash of the machine may lose it.
 */
export function replaceOwnFile(
  path: string,
  content: string | Buffer,
  mode: number,
  { durable = true }: { readonly durable?: boolean } = {},
): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, 'wx', mode);
  try {
    writeAll(file, Buffer.from(content));
    if (process.getuid?.() === 0) {
      const { uid, gid } = statSync(dirname(path));
      chownSync(beside, uid, gid);
    }
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  if (durable) syncFolder(dirname(path));
}

/** Makes a folder (and those above it) that only its owner can enter; what was made is durable on return. */
export function makeOwnFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

/** Makes what was created, renamed or removed in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A file that only ever grows at its end. One process at a time writes it; see `run/claim.ts`. */
export class AppendFile {
  readonly path: string;
  #file: number;
  #size: number;
  /** How much of it is known to be on disk. */
  #durable: number;
  #syncing: Promise<void> | null = null;
  #nextSync: Promise<void> | null = null;
  #closed = false;

  private constructor(path: string, file: number, size: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#durable = size;
  }

  /** Opens or makes it, mode 0600. Its name is durable too, unless `sync` is false. Throws the system's error. */
  static open(path: string, options: { readonly sync: boolean } = { sync: true }): AppendFile {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const file = openSync(path, flags, 0o600);
    try {
      const { size } = regular(file, path);
      if (size === 0 && options.sync) syncFolder(dirname(path));
      return new AppendFile(path, file, size);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** How much of it is known to be on disk, bytes from its beginning. */
  get durable(): number {
    return this.#durable;
  }

  /** Whether everything that was added is on disk. */
  get isDurable(): boolean {
    return this.#durable === this.#size;
  }

  /** All of it. */
  read(): Buffer {
    return readFrom(this.#file, 0, this.#size);
  }

  /**
   * Adds text at the end. Durable on return when `sync`. When it cannot be written whole, what was written of it is taken
   * back and the system's error (`ENOSPC`, `EROFS`, …) is thrown: the file is as before.
   */
  append(text: string, options: { readonly sync: boolean }): void {
    const bytes = Buffer.from(text);
    try {
      writeAll(this.#file, bytes, this.#size);
      if (options.sync) fdatasyncSync(this.#file);
    } catch (error) {
      ftruncateSync(this.#file, this.#size);
      throw error;
    }
    this.#size += bytes.length;
    if (options.sync) this.#durable = this.#size;
  }

  /** Makes durable what was added without a sync. Throws the system's error. */
  sync(): void {
    if (this.isDurable) return;
    fdatasyncSync(this.#file);
    this.#durable = this.#size;
  }

  /**
   * The same, while other work goes on: resolves when what was added before the call is on disk. All who call while a sync is under
   * way share the next one. Rejects with the system's error.
   */
  synced(): Promise<void> {
    if (this.isDurable || this.#closed) return Promise.resolve();
    if (this.#syncing === null) return this.#sync();
    this.#nextSync ??= this.#syncing
      .catch(() => undefined)
      .then(() => {
        this.#nextSync = null;
        return this.synced();
      });
    return this.#nextSync;
  }

  #sync(): Promise<void> {
    const size = this.#size;
    this.#syncing = new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => {
        this.#syncing = null;
        if (this.#closed) closeSync(this.#file);
        if (error) reject(error);
        else {
          // What was taken back meanwhile is not there.
          this.#durable = Math.max(this.#durable, Math.min(size, this.#size));
          resolve();
        }
      });
    });
    return this.#syncing;
  }

  /** Takes back what a failed sync left in doubt. Throws the system's error when it cannot be cut off; it is no part of the file then either. */
  takeBack(): void {
    this.#size = this.#durable;
    ftruncateSync(this.#file, this.#size);
  }

  /** Cuts it to its first `size` bytes, durably. */
  truncate(size: number): void {
    ftruncateSync(this.#file, size);
    fsyncSync(this.#file);
    this.#size = size;
    this.#durable = size;
  }

  /** A sync that is under way has the file until it ends. */
  close(): void {
    this.#closed = true;
    if (this.#syncing === null) closeSync(this.#file);
  }
}

/** What a crash in the middle leaves of a line: for fail points. */
export function halfOf(line: string): string {
  return line.slice(0, line.length >> 1);
}

/** Whether a thrown system error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Whether a thrown system error says that we may not. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

function regular(file: number, path: string) {
  const found = fstatSync(file);
  if (!found.isFile()) throw new RangeError(`${path} is no regular file`);
  return found;
}

function readFrom(file: number, from: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let done = 0;
  while (done < size) {
    const read = readSync(file, bytes, done, size - done, from + done);
    if (read === 0) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

function writeAll(file: number, bytes: Buffer, at = 0): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}
