/** The file that systemd appends a unit's output to, read while it grows. It never takes much of the disk. */
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** When the file has more than this it is emptied, as far as it was read: its writer appends, so goes on at the new end. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const KEPT_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

export class OutputFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #offset = 0;
  #dropped = false;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#path = join(folder, name);
  }

  /** Makes the empty file, mode 0600, and returns its path. Throws the system's error when it exists. */
  create(): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    closeSync(
      openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
    );
    return this.#path;
  }

  /** What was added since the last call, in chunks. Nothing when the file is gone. */
  *readNew(): Generator<Buffer> {
    let file: number;
    try {
      file = openSync(this.#path, constants.O_RDWR | constants.O_NOFOLLOW);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      throw error;
    }
    try {
      for (;;) {
        const bytes = Buffer.alloc(CHUNK_BYTES);
        const read = readSync(file, bytes, 0, bytes.length, this.#offset);
        if (read === 0) break;
        this.#offset += read;
        const chunk = bytes.subarray(0, read);
        this.#keep(chunk);
        yield chunk;
        if (this.#offset >= FILE_BYTES_MAX) this.#empty(file);
      }
    } finally {
      closeSync(file);
    }
  }

  /** The first bytes of all that was read. */
  kept(maxBytes: number = KEPT_BYTES_MAX): { readonly text: string; readonly truncated: boolean } {
    const bytes = Buffer.concat(this.#kept);
    return { text: bytes.subarray(0, maxBytes).toString('utf8'), truncated: this.#dropped || bytes.length > maxBytes };
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  /** The name of a file beside it. */
  beside(ending: string): string {
    return `${this.#path}.${ending}`;
  }

  #keep(chunk: Buffer): void {
    const room = KEPT_BYTES_MAX - this.#keptBytes;
    if (chunk.length > room) this.#dropped = true;
    if (room <= 0) return;
    this.#kept.push(chunk.subarray(0, room));
    this.#keptBytes += Math.min(room, chunk.length);
  }

  #empty(file: number): void {
    // What was written between the last read and now is lost; it is far beyond what anybody is shown.
    if (fstatSync(file).size > this.#offset) this.#dropped = true;
    ftruncateSync(file, 0);
    this.#offset = 0;
  }
}
