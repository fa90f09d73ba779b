/** Processes, read from /proc. Source: proc_pid_stat(5), proc_pid_fd(5), cgroups(7). */
import { constants, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { orNull } from './look.ts';

/** Clock ticks per second: 100 on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
export const TICKS_PER_SECOND = 100;

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** R running, S sleeping, D waiting for a disk, Z zombie, … */
  readonly state: string;
  /** Processor time since its start, ticks. */
  readonly ticks: number;
  /** From -20 (first in turn) to 19 (last). */
  readonly nice: number;
  readonly memoryBytes: number;
  /** Ticks after boot at which it started: with the pid it names one process for ever. */
  readonly startedTicks: number;
}

/** A deleted file that a process still has open: its room is not free. */
export interface DeletedFile {
  /** All that have it open: who opened it, and children that were started with it open and may be gone in a moment. */
  readonly pids: readonly number[];
  readonly path: string;
  readonly bytes: number;
}

/** All processes. Those that end meanwhile are left out. */
export function readProcesses(): Process[] {
  const page = pageBytes();
  return pids().flatMap((pid) => {
    const stat = readIfThere(`/proc/${pid}/stat`);
    const parsed = stat === null ? null : parseStat(stat, page);
    return parsed === null ? [] : [parsed];
  });
}

/** One process as it is now; `null` when there is none of this number. */
export function readProcess(pid: number): Process | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat === null ? null : parseStat(stat, pageBytes());
}

/** The threads of a process with their nice values, by number; none when it has ended. */
export function readThreads(pid: number): { readonly tid: number; readonly nice: number }[] {
  return (listIfAllowed(`/proc/${pid}/task`) ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((tid) => {
      const stat = readIfThere(`/proc/${pid}/task/${tid}/stat`);
      const parsed = stat === null ? null : parseStat(stat, 1);
      return parsed === null ? [] : [{ tid, nice: parsed.nice }];
    });
}

/** `pid (name) state ppid …`; the name may hold blanks and brackets. `page`: bytes per page. `null` when it cannot be read. */
export function parseStat(text: string, page: number): Process | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  // Counting begins behind the name: field 3 of proc_pid_stat(5) is at index 0.
  const fields = text.slice(close + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '?',
    ticks: field(14) + field(15),
    nice: field(19),
    startedTicks: field(22),
    memoryBytes: field(24) * page,
  };
}

/** The systemd unit or container that a process belongs to, or `null`. */
export function unitOfProcess(pid: number): string | null {
  const text = readIfThere(`/proc/${pid}/cgroup`);
  return text === null ? null : parseCgroup(text);
}

/** The unit or container in `/proc/PID/cgroup`, of the hierarchy that systemd keeps. */
export function parseCgroup(text: string): string | null {
  const lines = text.split('\n').filter((line) => line.startsWith('0::') || line.includes(':name=systemd:'));
  return lines.map((line) => ownerOfGroup(line.slice(line.indexOf('/')))).find((owner) => owner !== null) ?? null;
}

/**
 * The unit or container that a control group belongs to: the outermost one. What lies below it is named by whoever was given that
 * part of the tree, such as a user's own service manager, and may be called like a unit of the server.
 */
export function ownerOfGroup(path: string): string | null {
  const found =
    /\/(?:(?:docker|libpod)[/-](?<group>[0-9a-f]{12})[0-9a-f]*|docker-(?<scope>[0-9a-f]{12})[0-9a-f]*\.scope|(?<unit>[^/]+\.(?:service|scope|socket|mount)))(?=\/|$)/.exec(
      path,
    )?.groups;
  const container = found?.group ?? found?.scope;
  return container === undefined ? (found?.unit ?? null) : `docker:${container}`;
}

/** Command line of a process as one text, its words parted by blanks; empty for kernel threads. Not redacted. */
export function commandLineOf(pid: number): string {
  return (readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim();
}

/** Where in the kernel a process waits: `folio_wait_bit`. Empty when it does not, `null` when it may not be seen. */
export function waitChannelOf(pid: number): string | null {
  const channel = readIfThere(`/proc/${pid}/wchan`);
  return channel === '0' ? '' : channel;
}

/** How many files a process has open, and how many it may. Source: proc_pid_limits(5). `null` when it may not be seen. */
export function readOpenFileUse(
  pid: number,
): { readonly open: number; readonly soft: number; readonly hard: number } | null {
  const limits = parseOpenFileLimits(readIfThere(`/proc/${pid}/limits`) ?? '');
  const open = limits === null ? null : listIfAllowed(`/proc/${pid}/fd`);
  return limits === null || open === null ? null : { open: open.length, ...limits };
}

/** The line `Max open files  1024  524288  files`; `unlimited` is infinity. */
export function parseOpenFileLimits(text: string): { readonly soft: number; readonly hard: number } | null {
  const line = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(text);
  if (line === null) return null;
  const number = (word: string | undefined) => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return { soft: number(line[1]), hard: number(line[2]) };
}

/** What of a process lies in swap, bytes. 0 for kernel threads; `null` when it may not be seen. */
export function swappedBytesOf(pid: number): number | null {
  const status = readIfThere(`/proc/${pid}/status`);
  return status === null ? null : Number(/^VmSwap:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

/**
 * Deleted files on disk that are still open, biggest first. Files in memory (memfd, shared memory) are left out. `blind` counts
 * the processes whose files this agent may not see.
 */
export function readDeletedFiles(): { readonly files: DeletedFile[]; readonly blind: number } {
  const files = new Map<string, DeletedFile & { readonly pids: number[] }>();
  let blind = 0;
  for (const pid of pids()) {
    const descriptors = listIfAllowed(`/proc/${pid}/fd`);
    if (descriptors === null) blind += 1;
    for (const descriptor of descriptors ?? []) {
      const path = linkIfThere(`/proc/${pid}/fd/${descriptor}`);
      if (path === null || !path.endsWith(' (deleted)') || /^\/(memfd:|dev\/shm\/|dev\/zero|SYSV|\[)/.test(path))
        continue;
      const stat = statIfThere(`/proc/${pid}/fd/${descriptor}`);
      if (stat === null || !stat.isFile() || stat.nlink > 0) continue;
      const identity = `${stat.dev}:${stat.ino}`;
      const file = files.get(identity) ?? {
        pids: [],
        path: path.slice(0, -' (deleted)'.length),
        bytes: stat.blocks * 512,
      };
      if (file.pids.at(-1) !== pid) file.pids.push(pid);
      files.set(identity, file);
    }
  }
  return { files: [...files.values()].sort((a, b) => b.bytes - a.bytes), blind };
}

/** Device and inode (`dev:ino`) of every file that some process has open. */
export function readOpenFiles(): { readonly identities: ReadonlySet<string>; readonly blind: number } {
  const identities = new Set<string>();
  let blind = 0;
  for (const pid of pids()) {
    const descriptors = listIfAllowed(`/proc/${pid}/fd`);
    if (descriptors === null) blind += 1;
    for (const descriptor of descriptors ?? []) {
      const stat = statIfThere(`/proc/${pid}/fd/${descriptor}`);
      if (stat !== null) identities.add(`${stat.dev}:${stat.ino}`);
    }
  }
  return { identities, blind };
}

/** One open file of a process. */
export interface Descriptor {
  readonly number: string;
  /** Where it is; a deleted file's path ends with ` (deleted)`. */
  readonly path: string;
}

/** The open files of a process; none when it ended, or may not be looked at. */
export function descriptorsOf(pid: number): Descriptor[] {
  return (listIfAllowed(`/proc/${pid}/fd`) ?? []).flatMap((number) => {
    const path = linkIfThere(`/proc/${pid}/fd/${number}`);
    return path === null ? [] : [{ number, path }];
  });
}

/** Files that a process has mapped into its memory: its program and libraries. None when it may not be looked at. */
export function mappedFilesOf(pid: number): string[] {
  const text = readIfThere(`/proc/${pid}/maps`) ?? '';
  return [...new Set([...text.matchAll(/ (\/.*)$/gm)].map(([, path = '']) => path.replace(/ \(deleted\)$/, '')))];
}

/** Whether a process holds a lock on a file by this descriptor. */
export function lockedBy(pid: number, number: string): boolean {
  return /^lock:/m.test(readIfThere(`/proc/${pid}/fdinfo/${number}`) ?? '');
}

/** How a process opened a file. Source: open(2), proc_pid_fdinfo(5). `null` when it cannot be told. */
export function openedFor(pid: number, number: string): { readonly writes: boolean; readonly appends: boolean } | null {
  const octal = /^flags:\s*([0-7]+)/m.exec(readIfThere(`/proc/${pid}/fdinfo/${number}`) ?? '')?.[1];
  if (octal === undefined) return null;
  const flags = Number.parseInt(octal, 8);
  return { writes: (flags & 0o3) !== constants.O_RDONLY, appends: (flags & constants.O_APPEND) !== 0 };
}

/** Bytes of a memory page (4 KiB here, 16 or 64 KiB elsewhere), from our own size in pages and in KiB. */
export function pageBytes(): number {
  const pages = parseStat(readFileSync('/proc/self/stat', 'utf8'), 1)?.memoryBytes ?? 0;
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  if (pages <= 0 || kib <= 0) return 4096;
  return 2 ** Math.round(Math.log2((kib * 1024) / pages));
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** `null` when the process has ended, `[]` never hides a refusal: that is `null` too. */
function listIfAllowed(path: string): string[] | null {
  return orNull(() => readdirSync(path));
}

function readIfThere(path: string): string | null {
  return orNull(() => readFileSync(path, 'utf8'));
}

function linkIfThere(path: string): string | null {
  return orNull(() => readlinkSync(path));
}

function statIfThere(path: string): Stats | null {
  return orNull(() => statSync(path));
}
