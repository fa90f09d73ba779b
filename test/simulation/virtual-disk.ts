/**
 * A disk in memory below `node:fs`, so that the agent's own file code runs unchanged on it. It forgets what was not synced
 * when the power goes, tears the last write, and can be full or read-only. Folders are durable once made.
 * What is loaded after this module, or imports names of `node:fs`, sees it below `/countersign-simulated/`.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Chance } from './chance.ts';
import { Killed, type SimulatedProcess } from './simulated-process.ts';

const ROOT = '/countersign-simulated/';
const FIRST_HANDLE = 1_000_000_000;

class Inode {
  data = Buffer.alloc(0);
  /** What survives a loss of power. */
  durable = Buffer.alloc(0);
}

interface Handle {
  readonly disk: VirtualDisk;
  readonly inode: Inode;
  readonly path: string;
  readonly process: SimulatedProcess;
}

interface Renaming {
  readonly folder: string;
  readonly apply: (entries: Map<string, Inode>) => void;
}

const disks = new Map<string, VirtualDisk>();
const handles = new Map<number, Handle>();
let nextHandle = FIRST_HANDLE;
let mounted = 0;

export class VirtualDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  /** `ENOSPC` or `EROFS` for whatever is written, or null. */
  fault: 'ENOSPC' | 'EROFS' | null = null;
  /** Whose each top folder is. */
  readonly #owners = new Map<string, SimulatedProcess>();
  readonly #folders = new Set<string>();
  #entries = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  #unsynced: Renaming[] = [];

  constructor() {
    mounted += 1;
    this.path = `${ROOT}${mounted}`;
    disks.set(String(mounted), this);
  }

  /** A folder for one process; a later one takes it over. */
  folderOf(name: string, process: SimulatedProcess): string {
    this.#owners.set(name, process);
    this.makeFolder(`${this.path}/${name}`);
    return `${this.path}/${name}`;
  }

  /** The text of a file as it is now, or null. For checkers. */
  textOf(path: string): string | null {
    return this.#entries.get(`${this.path}/${path}`)?.data.toString('utf8') ?? null;
  }

  /** Adds the beginning of a line, as a write that a crash cut off leaves it. */
  tear(path: string, beginning: string): void {
    const inode = this.#entries.get(`${this.path}/${path}`);
    if (inode) inode.data = Buffer.concat([inode.data, Buffer.from(beginning)]);
  }

  /** The power goes: of what was not synced, some of the beginning may have reached the disk. */
  loseUnsynced(chance: Chance): void {
    const folders = new Set(this.#unsynced.map(({ folder }) => folder));
    for (const folder of folders) {
      const made = this.#unsynced.filter((it) => it.folder === folder);
      for (const { apply } of made.slice(0, chance.below(made.length + 1))) apply(this.#durable);
    }
    this.#unsynced = [];
    this.#entries = new Map();
    for (const [path, inode] of this.#durable) {
      const kept = new Inode();
      kept.durable = survivorOf(inode, chance);
      kept.data = Buffer.from(kept.durable);
      this.#entries.set(path, kept);
    }
    this.#durable = new Map(this.#entries);
  }

  [Symbol.dispose](): void {
    disks.delete(this.path.slice(ROOT.length));
    for (const [fd, { disk }] of handles) if (disk === this) handles.delete(fd);
  }

  ownerOf(path: string): SimulatedProcess {
    const owner = this.#owners.get(path.slice(this.path.length + 1).split('/')[0] ?? '');
    if (!owner) throw new Killed(`nobody owns ${path}`);
    return owner;
  }

  find(path: string): Inode | undefined {
    return this.#entries.get(path);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  makeFolder(path: string): void {
    for (let it = path; it.length > this.path.length; it = folderOf(it)) this.#folders.add(it);
  }

  list(folder: string): string[] {
    const prefix = `${folder}/`;
    return [...this.#entries.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length));
  }

  rename(folder: string, apply: Renaming['apply']): void {
    apply(this.#entries);
    this.#unsynced.push({ folder, apply });
  }

  syncFolder(folder: string): void {
    for (const it of this.#unsynced) if (it.folder === folder) it.apply(this.#durable);
    this.#unsynced = this.#unsynced.filter((it) => it.folder !== folder);
  }
}

/** What is on the disk of a file: what was synced, and of what was appended since then a beginning. */
function survivorOf({ data, durable }: Inode, chance: Chance): Buffer<ArrayBuffer> {
  const grown = data.length > durable.length && data.subarray(0, durable.length).equals(durable);
  if (!grown || chance.happens(0.3)) return Buffer.from(durable);
  return Buffer.from(data.subarray(0, durable.length + chance.below(data.length - durable.length + 1)));
}

function failure(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}

function diskAt(path: unknown): VirtualDisk | undefined {
  if (typeof path !== 'string' || !path.startsWith(ROOT)) return undefined;
  const disk = disks.get(path.slice(ROOT.length).split('/')[0] ?? '');
  if (!disk) throw new Killed(`${path} is not mounted any more`);
  return disk;
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

/** A call that changes the disk: its process may die before it or right after it, and the disk may refuse it. */
function change<T>(disk: VirtualDisk, process: SimulatedProcess, name: string, path: string, work: () => T): T {
  process.reach(`before ${name}`);
  if (disk.fault !== null && name !== 'rm') throw failure(disk.fault, name, path);
  const result = work();
  process.reach(`after ${name}`);
  return result;
}

const stats = (inode: Inode | null) => ({
  size: inode?.data.length ?? 0,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mode: inode ? 0o100600 : 0o040700,
  mtimeMs: 0,
  ino: 1,
  isFile: () => inode !== null,
  isDirectory: () => inode === null,
});

const real = { ...fs };

function openSync(disk: VirtualDisk, path: string, flags: string | number): number {
  const { O_CREAT, O_EXCL } = real.constants;
  const creates = typeof flags === 'number' ? (flags & O_CREAT) !== 0 : flags !== 'r';
  const exclusive = typeof flags === 'number' ? (flags & O_EXCL) !== 0 : flags.includes('x');
  const process = disk.ownerOf(path);
  process.reach('open');
  let inode = disk.find(path);
  if (inode && exclusive) throw failure('EEXIST', 'open', path);
  if (!inode && !creates && !disk.isFolder(path)) missing(path);
  if (!inode && creates) {
    const made = new Inode();
    change(disk, process, 'create', path, () => disk.rename(folderOf(path), (entries) => entries.set(path, made)));
    inode = made;
  }
  nextHandle += 1;
  handles.set(nextHandle, { disk, inode: inode ?? new Inode(), path, process });
  return nextHandle;
}

function handleOf(fd: unknown): Handle | undefined {
  if (typeof fd !== 'number' || fd <= FIRST_HANDLE) return undefined;
  const handle = handles.get(fd);
  if (!handle) throw failure('EBADF', 'use', String(fd));
  return handle;
}

function writeAt({ disk, inode, path, process }: Handle, bytes: Uint8Array, position: number | null): number {
  return change(disk, process, 'write', path, () => {
    const at = position ?? inode.data.length;
    const grown = Buffer.alloc(Math.max(inode.data.length, at + bytes.length));
    inode.data.copy(grown);
    grown.set(bytes, at);
    inode.data = grown;
    return bytes.length;
  });
}

/** Calls that take a path, for ours. */
const byPath = {
  openSync,
  statSync: (disk: VirtualDisk, path: string) => look(disk, path),
  lstatSync: (disk: VirtualDisk, path: string) => look(disk, path),
  existsSync: (disk: VirtualDisk, path: string) => disk.find(path) !== undefined || disk.isFolder(path),
  readdirSync: (disk: VirtualDisk, path: string) => disk.list(path),
  realpathSync: (_disk: VirtualDisk, path: string) => path,
  mkdirSync(disk: VirtualDisk, path: string) {
    disk.ownerOf(path).reach('mkdir');
    disk.makeFolder(path);
  },
  chownSync: () => undefined,
  chmodSync: () => undefined,
  readFileSync: (disk: VirtualDisk, path: string) => disk.find(path)?.data ?? missing(path),
  rmSync(disk: VirtualDisk, path: string, options?: { force?: boolean }) {
    disk.ownerOf(path).reach('rm');
    if (!disk.find(path)) return options?.force ? undefined : missing(path);
    return change(disk, disk.ownerOf(path), 'rm', path, () => disk.rename(folderOf(path), (it) => it.delete(path)));
  },
  renameSync(disk: VirtualDisk, from: string, to: string) {
    const inode = disk.find(from) ?? missing(from);
    change(disk, disk.ownerOf(from), 'rename', from, () =>
      disk.rename(folderOf(from), (entries) => {
        entries.delete(from);
        entries.set(to, inode);
      }),
    );
  },
};

function missing(path: string): never {
  throw failure('ENOENT', 'open', path);
}

function look(disk: VirtualDisk, path: string) {
  return stats(disk.isFolder(path) ? null : (disk.find(path) ?? missing(path)));
}

function sync({ disk, inode, path, process }: Handle): void {
  change(disk, process, 'fsync', path, () => {
    if (disk.isFolder(path)) disk.syncFolder(path);
    else inode.durable = inode.data;
  });
}

/** A sync beside other work. What is written while it is under way is no part of it. */
function syncBeside({ disk, inode, path, process }: Handle, _fd: number, done: (error: Error | null) => void): void {
  const { data } = inode;
  void process.pass('fsync begun').then(() => {
    try {
      change(disk, process, 'fsync', path, () => {
        if (data.length > inode.durable.length) inode.durable = data;
      });
    } catch (error) {
      if (!(error instanceof Killed)) done(error as Error);
      return;
    }
    done(null);
  });
}

/** Calls that take a handle, for ours. */
const byHandle = {
  closeSync: (_handle: Handle, fd: number) => void handles.delete(fd),
  fstatSync: ({ disk, inode, path }: Handle) => stats(disk.isFolder(path) ? null : inode),
  fsyncSync: sync,
  // What it leaves out, such as times, is not simulated.
  fdatasyncSync: sync,
  fdatasync: syncBeside,
  ftruncateSync({ disk, inode, path, process }: Handle, _fd: number, length = 0) {
    change(disk, process, 'truncate', path, () => {
      inode.data = Buffer.from(inode.data.subarray(0, length));
    });
  },
  readSync({ inode }: Handle, _fd: number, into: Buffer, offset: number, length: number, position: number) {
    return inode.data.copy(into, offset, position, position + length);
  },
  writeSync(
    handle: Handle,
    _fd: number,
    bytes: Uint8Array,
    offset = 0,
    length = bytes.length,
    at: number | null = null,
  ) {
    return writeAt(handle, bytes.subarray(offset, offset + length), at);
  },
};

type Call = (...given: unknown[]) => unknown;

function install(): void {
  const table = fs as unknown as Record<string, Call>;
  const originals = real as unknown as Record<string, Call>;
  for (const [name, ours] of Object.entries(byPath) as [string, Call][])
    table[name] = (...given) => {
      const disk = diskAt(given[0]);
      return disk ? ours(disk, ...given) : originals[name]?.(...given);
    };
  for (const [name, ours] of Object.entries(byHandle) as [string, Call][])
    table[name] = (...given) => {
      const handle = handleOf(given[0]);
      return handle ? ours(handle, ...given) : originals[name]?.(...given);
    };
  syncBuiltinESMExports();
}

install();
