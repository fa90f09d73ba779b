/** What the system says of disks, arrays and mounts, parsed. Sources: md(4), smartctl(8), fstab(5), kernel messages. */
import { z } from 'zod';
import type { Mount, MountLine } from '../../host/mounts.ts';
import { parsedJson } from '../../host/parsed-json.ts';

export interface RaidArray {
  readonly name: string;
  readonly members: number;
  readonly missing: number;
}

/** Arrays of /proc/mdstat: a line `md0 : active …`, and below it `[2/1] [U_]`. */
export function parseMdstat(text: string): RaidArray[] {
  return text.split(/\n(?=md)/).flatMap((block) => {
    const name = /^(md\S*) :/.exec(block)?.[1];
    const state = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(block);
    if (name === undefined || state === null) return [];
    return [{ name, members: Number(state[1]), missing: Number(state[1]) - Number(state[2]) }];
  });
}

const scanSchema = z.object({ devices: z.array(z.object({ name: z.string() })).optional() });

/** Devices of `smartctl --scan -j`; none when it says something else. */
export function parseScan(text: string): string[] {
  const parsed = scanSchema.safeParse(parsedJson(text));
  const names = (parsed.data?.devices ?? []).map(({ name }) => name);
  return names.filter((name) => /^\/dev\/[A-Za-z0-9/_.-]+$/.test(name));
}

const IO_ERROR = /\b(I\/O error|medium error|EXT4-fs error|Remounting filesystem read-only|BTRFS error)\b/i;

/** The same for journalctl: thousands of other messages, such as those of a firewall, must not push these out. */
export const TELLS_OF_IO_ERROR = `(?i)${IO_ERROR.source}`;

/** Whether a message of the kernel tells of a read or write that failed. */
export function isIoError(message: string): boolean {
  return IO_ERROR.test(message);
}

/** File systems on devices that are read-only as a whole although /etc/fstab does not ask for it, each once. */
export function readOnlyByMistake(mounts: readonly MountLine[], fstab: string): Mount[] {
  const meant = new Set(
    fstab.split('\n').flatMap((line) => {
      const [source = '#', mount = '', , options = ''] = line.trim().split(/\s+/);
      return !source.startsWith('#') && options.split(',').includes('ro') ? [mount] : [];
    }),
  );
  const found = mounts.filter(
    ({ source, type, mount, fileSystemReadOnly }) =>
      fileSystemReadOnly && source.startsWith('/dev/') && WRITABLE.test(type) && !meant.has(mount),
  );
  return [...new Map(found.map((line) => [line.device, line])).values()];
}

/** File systems that are written to unless something is wrong; others (squashfs, iso9660) never are. */
const WRITABLE = /^(ext[234]|xfs|btrfs|f2fs|jfs|reiserfs|vfat|bcachefs)$/;
