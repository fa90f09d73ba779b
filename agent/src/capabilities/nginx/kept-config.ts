/**
 * The configuration that nginx had read at its last reload through Countersign, kept on the server, so that it can be put back.
 * It counts only while nobody else has reloaded nginx: its workers are new after each reload. Source: nginx(8), "Control".
 */
import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import { Fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { keepBackup } from '../../host/backups.ts';
import { lstatOrNull, readAllowed, removeFile, replaceFile, targetOf } from '../../host/files.ts';
import { readOwnFile, replaceOwnFile } from '../../host/own-files.ts';
import { parsedJson } from '../../host/parsed-json.ts';
import { readProcesses } from '../../host/processes.ts';
import type { ChangeContext, ObserveContext } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { readDump } from './server-blocks.ts';

const FILE_BYTES = 1024 * 1024;
const ALL_BYTES = 8 * 1024 * 1024;
/** With its escapes. */
const KEPT_BYTES = 2 * ALL_BYTES;
const FILES_MAX = 500;

/** `null`: read by nginx, but not ours to write, as the files of its package. */
const filesSchema = z.record(
  z.string(),
  z.object({ content: z.string(), mode: z.int(), uid: z.int(), gid: z.int() }).nullable(),
);
const keptSchema = z.object({ workers: z.string(), files: filesSchema });
/** Path as nginx names it → what was in it. */
export type KeptFiles = z.infer<typeof filesSchema>;

const keptPath = (stateDir: string) => join(stateDir, 'nginx-config.json');

/** Names the workers that run now; `null` where there are none. `master`: pid of the main process of nginx. */
export function newestWorker(master: number): { readonly name: string; readonly startedTicks: number } | null {
  const workers = readProcesses().filter(({ parent, name }) => parent === master && name === 'nginx');
  const newest = workers.toSorted((a, b) => b.startedTicks - a.startedTicks || b.pid - a.pid)[0];
  return newest === undefined
    ? null
    : { name: `${newest.pid}:${newest.startedTicks}`, startedTicks: newest.startedTicks };
}

/** What nginx has in force, as far as it is known and may be written back; else `null`. */
export function keptConfig(context: ObserveContext, master: number): KeptFiles | null {
  const file = context.stateDir === undefined ? null : readOwnFile(keptPath(context.stateDir), KEPT_BYTES);
  const parsed = keptSchema.safeParse(parsedJson(file?.bytes.toString('utf8') ?? ''));
  if (!parsed.success || parsed.data.workers !== newestWorker(master)?.name) return null;
  const own = Object.entries(parsed.data.files).filter(([, file]) => file !== null);
  return own.every(([path]) => mayWrite(context, path)) ? parsed.data.files : null;
}

function mayWrite(context: ObserveContext, path: string): boolean {
  try {
    targetOf(path, writableRoots(context.localPolicy));
    return true;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** Keeps what the workers of now have read. Nothing is kept when it is too large. */
export async function keepConfig(context: ChangeContext, master: number): Promise<void> {
  const workers = newestWorker(master)?.name;
  const files = await filesNow(context);
  if (workers === undefined || files === null) return;
  const kept = JSON.stringify({ workers, files });
  if (Buffer.byteLength(kept) <= KEPT_BYTES) replaceOwnFile(keptPath(context.stateDir), kept, 0o600);
}

/** SHA-256 of all that nginx would read now, so that nothing is loaded that nobody knew of; `null` where it refuses it. */
export async function configDigest(context: ObserveContext): Promise<string | null> {
  const dump = await readDump(context).catch(orNothing);
  return dump.length === 0 ? null : sha256(JSON.stringify(dump));
}

/** The files that nginx would read now. */
async function filesNow(context: ObserveContext): Promise<KeptFiles | null> {
  const paths = (await readDump(context)).map(({ file }) => file);
  const files: KeptFiles = {};
  let bytes = 0;
  for (const path of paths.slice(0, FILES_MAX)) {
    const found = readConfigFile(context, path);
    // What is no UTF-8 could not be put back as it was.
    if (found === 'odd') return null;
    bytes += found?.content.length ?? 0;
    files[path] = found;
  }
  return bytes > ALL_BYTES || paths.length > FILES_MAX ? null : files;
}

function readConfigFile(context: ObserveContext, path: string): KeptFiles[string] | 'odd' {
  try {
    const { bytes, stat } = readAllowed(path, writableRoots(context.localPolicy), FILE_BYTES);
    if (!isUtf8(bytes)) return 'odd';
    return { content: bytes.toString('utf8'), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

/**
 * Puts the files back and takes out those that have come since, each kept in a backup. Gives how many of each. A link is taken
 * out as a link: what it leads to stays.
 */
export async function putBack(context: ChangeContext, files: KeptFiles): Promise<{ set: number; taken: number }> {
  const roots = writableRoots(context.localPolicy);
  const present = (await readDump(context).catch(orNothing)).map(({ file }) => file);
  const read = (path: string) => (lstatOrNull(path) === null ? null : readAllowed(path, roots, FILE_BYTES).bytes);
  // All is read before anything is touched: what may not be read or written here keeps the rest as it is.
  const taken = present.filter((path) => !Object.hasOwn(files, path)).map((path) => ({ path, present: read(path) }));
  const set = Object.entries(files).flatMap(([path, file]) => {
    if (file === null) return [];
    const { content, ...owner } = file;
    const [present, bytes] = [read(path), Buffer.from(content)];
    return present?.equals(bytes) ? [] : [{ path: targetOf(path, roots).path, present, bytes, owner }];
  });
  for (const { path, present } of taken) {
    keep(context, path, present);
    removeFile(path);
  }
  for (const { path, present, bytes, owner } of set) {
    keep(context, path, present);
    replaceFile(path, bytes, owner);
  }
  return { set: set.length, taken: taken.length };
}

/** Each path has a backup of its own, so that an undo that is begun again does not write over what it kept the first time. */
function keep(context: ChangeContext, path: string, present: Buffer | null): void {
  if (present === null) return;
  keepBackup({ ...context, step: `${context.step}.${sha256(path).slice(0, 12)}` }, present, path);
}

/** What nginx refuses as a whole it does not print: then only the files that are known can be set. */
function orNothing(error: unknown): [] {
  if (error instanceof Fault) return [];
  throw error;
}
