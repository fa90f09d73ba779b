/** Makes the compressed forms of the dashboard's files once, so that a phone on a bad line at night gets a third of the bytes. */
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const forms = {
  '.br': (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }) as Promise<Buffer>,
  '.gz': (bytes: Buffer) => promisify(gzip)(bytes, { level: 9 }) as Promise<Buffer>,
} as const;

/** Writes `<file>.br` and `<file>.gz` beside each text file of a folder that has none yet. Rejects where it may not write. */
export async function precompress(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(js|css|svg|json|webmanifest)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    for (const [suffix, compress] of Object.entries(forms))
      if (!(await isNewer(`${file}${suffix}`, file))) await writeCompressed(file, suffix, compress);
  }
}

async function writeCompressed(
  file: string,
  suffix: string,
  compress: (bytes: Buffer) => Promise<Buffer>,
): Promise<void> {
  const unfinished = `${file}${suffix}.${process.pid}`;
  await writeFile(unfinished, await compress(await readFile(file)));
  await rename(unfinished, `${file}${suffix}`);
}

async function isNewer(file: string, than: string): Promise<boolean> {
  try {
    return (await stat(file)).mtimeMs >= (await stat(than)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
