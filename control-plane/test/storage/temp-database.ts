/** A real SQLite file in a folder of its own, gone after the test. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, openDatabase } from '../../src/storage/database.ts';

/** What something lives as long as: a test, or a part of a program that has no tests. */
export type Lifetime = { after: (end: () => unknown) => void };

export async function tempFolder(t: Lifetime): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `memory`: without a file, for what makes many and lets none of them die. `path`: a connection to that file, which is made if it is not there. */
export async function tempDatabase(
  t: Lifetime,
  options: { readonly memory?: boolean; readonly path?: string; readonly gather?: boolean } = {},
): Promise<{ db: Db; path: string }> {
  const path = options.memory ? ':memory:' : (options.path ?? (await newStore(t)));
  const db = await openDatabase({ path, gather: options.gather ?? false });
  t.after(() => db.destroy());
  return { db, path };
}

let empty: Promise<Buffer> | undefined;

/** A store that nobody wrote to. Made once for all tests of a file: each migration waits for the disk. */
async function newStore(t: Lifetime): Promise<string> {
  const path = join(await tempFolder(t), 'countersign.db');
  empty ??= emptyStore();
  await writeFile(path, await empty, { mode: 0o600 });
  return path;
}

async function emptyStore(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const path = join(folder, 'countersign.db');
  await (await openDatabase({ path })).destroy();
  const bytes = await readFile(path);
  await rm(folder, { recursive: true });
  return bytes;
}
