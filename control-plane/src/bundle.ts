/** Bundles the control plane and its command line for `bundled.ts`. A program of its own: rolldown would stay in memory. */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
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
    await sync(unfinished);
    await takePlace(unfinished, folder);
  }
  await forgetOlder(bundlesFolder, folder);
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

/** So that a machine that loses power never finds a bundle of empty files in its place: it would not start any more. */
async function sync(folder: string): Promise<void> {
  for (const name of [...(await readdir(folder)), '.']) {
    await using file = await open(join(folder, name));
    await file.sync();
  }
}

async function takePlace(unfinished: string, folder: string): Promise<void> {
  try {
    await rename(unfinished, folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await rm(unfinished, { recursive: true }); // the same is there already
  }
}

const KEPT_MS = 24 * 3_600_000;

/**
 * Removes those that are a day old, but for the youngest of them: a control plane that nobody has started anew since may run from it,
 * and load more of its own.
 */
export async function forgetOlder(bundles: string, present: string): Promise<void> {
  const found = (await readdir(bundles)).map(async (name) => {
    const folder = join(bundles, name);
    return { folder, at: (await stat(folder).catch(() => null))?.mtimeMs ?? 0 };
  });
  const others = (await Promise.all(found)).filter(({ folder }) => folder !== present);
  const youngest = Math.max(...others.filter(({ folder }) => !folder.endsWith('.part')).map(({ at }) => at));
  for (const { folder, at } of others)
    if (at !== youngest && Date.now() - at > KEPT_MS) await rm(folder, { recursive: true, force: true });
}

if (import.meta.main) process.stdout.write(`${await bundle()}\n`);
