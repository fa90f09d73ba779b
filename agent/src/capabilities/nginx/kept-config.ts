/**
 * The configuration that nginx had read at its last reload through Countersign, kept on the server, so that it can be put back.
 * It counts only while nobody else has reloaded nginx: its workers are new after each reload. Source: nginx(8), "Control".
 */
import { join } from 'node:path';
import { Fault } from '@countersign/protocol';
import { z } from 'zod';
import { keepBackup } from '../../host/backups.ts';
import { lstatOrNull, readAllowed, removeFile, replaceFile, targetOf } from '../../host/files.ts';
import { readOwnFile, replaceOwnFile } from '../../host/own-files.ts';
import { readProcesses } from '../../host/processes.ts';
import type { ChangeContext, ObserveContext } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { parsedJson } from '../parsed-json.ts';
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

/** The files that nginx would read now. */
async function filesNow(context: ObserveContext): Promise<KeptFiles | null> {
  const paths = (await readDump(context)).map(({ file }) => file);
  const files: KeptFiles = {};
  let bytes = 0;
  for (const path of paths.slice(0, FILES_MAX)) {
    const found = readConfigFile(context, path);
    bytes += found?.content.length ?? 0;
    files[path] = found;
  }
  return bytes > ALL_BYTES || paths.length > FILES_MAX ? null : files;
}

function readConfigFile(context: ObserveContext, path: string): KeptFiles[string] {
  try {
    const { bytes, stat } = readAllowed(path, writableRoots(context.localPolicy), FILE_BYTES);
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
  const taken = present.filter((path) => !Object.hasOwn(files, path));
  for (const [index, path] of taken.entries()) {
    const { bytes } = readAllowed(path, roots, FILE_BYTES);
    keepBackup({ ...context, step: `${context.step}.taken-${index}` }, bytes.toString('utf8'));
    removeFile(path);
  }
  let set = 0;
  for (const [path, file] of Object.entries(files)) {
    if (file === null) continue;
    const { content, ...owner } = file;
    if (lstatOrNull(path) !== null && readConfigFile(context, path)?.content === content) continue;
    replaceFile(targetOf(path, roots).path, Buffer.from(content), owner);
    set += 1;
  }
  return { set, taken: taken.length };
}

/** What nginx refuses as a whole it does not print: then only the files that are known can be set. */
function orNothing(error: unknown): [] {
  if (error instanceof Fault) return [];
  throw error;
}
