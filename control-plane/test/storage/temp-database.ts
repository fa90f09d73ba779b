/** A real SQLite file in a folder of its own, gone after the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Db, openDatabase } from '../../src/storage/database.ts';

export async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function tempDatabase(t: TestContext): Promise<{ db: Db; path: string }> {
  const path = join(await tempFolder(t), 'countersign.db');
  const db = await openDatabase({ path });
  t.after(() => db.destroy());
  return { db, path };
}
