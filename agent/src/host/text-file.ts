/** A text in a file for as long as a program reads it, for programs that cannot read it from a pipe. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Calls `use` with the path of a file that nobody else can read and that is gone afterwards. */
export async function withTextFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  try {
    const path = join(folder, 'text');
    writeFileSync(path, text, { mode: 0o600 });
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
