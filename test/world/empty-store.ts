/** A store at the newest migration with nothing in it, for those that make many: each migration waits for the disk. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseOn, openSqlite } from '@countersign/control-plane/storage/database';

let bytes: Promise<Buffer> | undefined;

/** The bytes of its file, made once in a process. They can be opened in memory too, since the file is not in WAL mode yet. */
export function emptyStore(): Promise<Buffer> {
  bytes ??= make();
  return bytes;
}

async function make(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-empty-'));
  try {
    const sqlite = openSqlite(':memory:');
    const db = await databaseOn(sqlite);
    sqlite.prepare('vacuum into ?').run([join(folder, 'empty.db')]);
    await db.destroy();
    return await readFile(join(folder, 'empty.db'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
