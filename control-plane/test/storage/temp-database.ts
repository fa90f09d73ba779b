/** A real SQLite file in a folder of its own, gone after the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyStore } from '../../../test/world/empty-store.ts';
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

/** A store that nobody wrote to. */
async function newStore(t: Lifetime): Promise<string> {
  const path = join(await tempFolder(t), 'countersign.db');
  await writeFile(path, await emptyStore(), { mode: 0o600 });
  return path;
}
