/**
 * Very many small old files are packed into one file of the runner's own and removed, so that their inodes become free at once; in
 * quarantine they would keep them. They come back on undo; after a day the next run forgets the pack.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { Clock } from '@countersign/protocol';
import { z } from 'zod';
import { type OldFiles, oldFiles, QUARANTINE_MS, type Tally } from './quarantine.ts';
import { TakenLists } from './taken-list.ts';
import { inFolderOf, type MetFile, type OpenFolder, openFolder } from './walk-folder.ts';

/** Bigger files are no sessions and stay. */
const FILE_BYTES_MAX = 64 * 1024;
/** The most that one pack holds; the rest stays for the next run. */
const PACK_BYTES_MAX = 128 * 1024 * 1024;
/** So many files are made durable at once, then removed. */
const BATCH = 200;

export interface SmallFiles extends Omit<OldFiles, 'isMeant'> {
  /** Whether a file of this name is meant. */
  readonly isMeant: (name: string) => boolean;
}

const packedSchema = z.object({
  relative: z.array(z.string()),
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
  /** Seconds since 1970. */
  changed: z.number(),
  content: z.base64(),
});
type Packed = z.infer<typeof packedSchema>;
const packs = new TakenLists('packs', packedSchema, 2 * PACK_BYTES_MAX);

interface Waiting {
  readonly packed: Packed;
  /** As it was when it was read. */
  readonly stat: BigIntStats;
}

/** Counts what {@link packFiles} would pack. Throws the system's error when the root cannot be opened. */
export async function countSmall(small: SmallFiles, clock: Clock, signal: AbortSignal): Promise<Tally> {
  const tally: Tally = { files: 0, bytes: 0, more: false };
  using root = openFolder(small.root);
  for await (const file of oldFiles(root, meant(small), tally, clock, signal)) tally.bytes += Number(file.stat.size);
  return tally;
}

/** Packs and removes. `name` names this pack in the runner's folder. */
export async function packFiles(
  small: SmallFiles,
  { stateDir, name }: { readonly stateDir: string; readonly name: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<Tally> {
  const met: Tally = { files: 0, bytes: 0, more: false };
  const done: Tally = { files: 0, bytes: 0, more: false };
  using root = openFolder(small.root);
  using pack = packs.begin(stateDir, name, { root: small.root, at: clock.now() });
  let batch: Waiting[] = [];
  const flush = () => {
    pack.add(
      batch.map(({ packed }) => packed),
      { sync: true },
    );
    for (const waiting of batch) {
      if (!removePacked(root, waiting)) continue;
      done.files += 1;
      done.bytes += Number(waiting.stat.size);
    }
    batch = [];
  };
  for await (const file of oldFiles(root, meant(small), met, clock, signal)) {
    const waiting = readSmall(file);
    if (waiting === null) continue;
    if (pack.size > PACK_BYTES_MAX) break;
    batch.push(waiting);
    if (batch.length >= BATCH) flush();
  }
  flush();
  pack.end(done);
  return { ...done, more: met.more || pack.size > PACK_BYTES_MAX };
}

/** Puts everything of one pack back to where it was. Counts what could not be, because something else is there now. */
export function unpackFiles(stateDir: string, name: string): { readonly restored: number; readonly left: number } {
  const { head, taken } = packs.read(stateDir, name);
  if (head === null) return { restored: 0, left: 0 };
  using root = openFolder(head.root);
  let restored = 0;
  let left = 0;
  for (const each of taken) {
    const outcome = inFolderOf(root, each.relative, (folder, file) => putBack(`${folder}/${file}`, each));
    if (outcome === true) restored += 1;
    else if (outcome !== 'there') left += 1;
  }
  return { restored, left };
}

/** How a pack ended that a crash cut off: `null` when it was not finished. */
export function findPack(stateDir: string, name: string): { readonly files: number; readonly bytes: number } | null {
  return packs.read(stateDir, name).end;
}

/** Forgets packs that are old enough. */
export function forgetPacks(stateDir: string, clock: Clock): void {
  for (const name of packs.names(stateDir))
    if (clock.now() - packs.changedAt(stateDir, name) >= QUARANTINE_MS) packs.forget(stateDir, name);
}

/** Only names that are meant, small enough, and with no other name. */
function meant({ isMeant, ...old }: SmallFiles): OldFiles {
  const isSmall = ({ name, stat }: MetFile) => isMeant(name) && stat.size <= FILE_BYTES_MAX && stat.nlink === 1n;
  return { ...old, isMeant: isSmall };
}

/** `null` for a file that is another one by now. */
function readSmall(met: MetFile): Waiting | null {
  let file: number;
  try {
    file = openSync(`${met.folder}/${met.name}`, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
  try {
    const stat = fstatSync(file, { bigint: true });
    if (!stat.isFile() || stat.ino !== met.stat.ino || stat.size > FILE_BYTES_MAX) return null;
    const content = readFileSync(file).toString('base64');
    const { relative } = met;
    const [mode, uid, gid] = [Number(stat.mode) & 0o7777, Number(stat.uid), Number(stat.gid)];
    return {
      stat,
      packed: { relative: [...relative], mode, uid, gid, changed: Number(stat.mtimeMs) / 1000, content },
    };
  } finally {
    closeSync(file);
  }
}

/** Whether the very file that was packed is removed now. One that took its name meanwhile stays, and so does one that was written to. */
function removePacked(root: OpenFolder, { packed, stat }: Waiting): boolean {
  const outcome = inFolderOf(root, packed.relative, (folder, name) => {
    const now = lstatSync(`${folder}/${name}`, { bigint: true });
    if (now.ino !== stat.ino || now.size !== stat.size || now.mtimeNs !== stat.mtimeNs) return false;
    unlinkSync(`${folder}/${name}`);
    return true;
  });
  return outcome === true;
}

function putBack(path: string, { mode, uid, gid, changed, content }: Packed): true {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    const bytes = Buffer.from(content, 'base64');
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    const own = fstatSync(file);
    if (own.uid !== uid || own.gid !== gid) fchownSync(file, uid, gid);
    fchmodSync(file, mode);
    futimesSync(file, changed, changed);
    return true;
  } catch (error) {
    // Half a session is worse than none, and would be taken for one that is there already.
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}
