/** Bundles the control plane and its command line for `bundled.ts`. A program of its own: rolldown would stay in memory. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { forgetOlder, takePlace } from '@countersign/protocol/built-folder';
import { type Plugin, rolldown } from 'rolldown';
import { bundleFolder, bundlesFolder, entries } from './bundled.ts';

/** Makes the bundle of the present sources unless it is there. Returns its folder; rejects with rolldown's error when they do not build. */
export async function bundle(): Promise<string> {
  const folder = bundleFolder();
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}.part`;
    await mkdir(bundlesFolder, { recursive: true });
    await build(unfinished);
    // Somebody edits the sources: what was built is of neither state.
    if (bundleFolder() !== folder) {
      await rm(unfinished, { recursive: true });
      return bundle();
    }
    await takePlace(unfinished, folder);
  }
  await forgetOlder(bundlesFolder, folder, Date.now());
  return folder;
}

async function build(folder: string): Promise<void> {
  const input = Object.fromEntries(
    Object.entries(entries).map(([name, file]) => [name, join(import.meta.dirname, file)]),
  );
  // ws tries these two for speed and does without them.
  const external = ['bufferutil', 'utf-8-validate'];
  const made = await rolldown({
    input,
    platform: 'node',
    logLevel: 'warn',
    external,
    plugins: [whereSourcesAre, outside],
  });
  // An ES module that imports a module of Node reads all of its members, and loads what Node keeps for those who use it.
  const output = {
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
    keepNames: true,
  } as const;
  await made.write({ ...output, dir: folder });
  await made.close();
}

/** Sources find files by where they are themselves: the bundle finds the same ones. */
const whereSourcesAre: Plugin = {
  name: 'where sources are',
  transform(code, id) {
    if (id.includes('/node_modules/') || !code.includes('import.meta')) return null;
    return code
      .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href));
  },
};

/** The program in C++ of SQLite, and what packs agents: it brings a bundler, and only some control planes ever need it. */
const outside: Plugin = {
  name: 'outside',
  resolveId(source, importer) {
    if (importer === undefined) return null;
    if (source === 'better-sqlite3') return { id: createRequire(importer).resolve(source), external: true };
    if (source.endsWith('/agent-package.ts'))
      return { id: pathToFileURL(join(dirname(importer), source)).href, external: true };
    return null;
  },
};

if (import.meta.main) process.stdout.write(`${await bundle()}\n`);
