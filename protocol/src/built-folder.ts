/** Folders that a build script makes beside others, each named by what it was made from: a bundle of the agent, or of the control plane. */
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Puts what was built in its place, unless the same is there already. Its files are on disk before: a machine that loses power would
 * find a bundle of empty files there, and not start any more. Rejects with what the file system says.
 */
export async function takePlace(unfinished: string, folder: string): Promise<void> {
  for (const name of [...(await readdir(unfinished)), '.']) {
    await using file = await open(join(unfinished, name));
    await file.sync();
  }
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
 * Removes what was built a day before `now` (milliseconds since 1970) or earlier, but for the youngest: a program that nobody has started anew since
 * may run from it, and load more of its own.
 */
export async function forgetOlder(folders: string, present: string, now: number): Promise<void> {
  const found = (await readdir(folders)).map(async (name) => {
    const folder = join(folders, name);
    return { folder, at: (await stat(folder).catch(() => null))?.mtimeMs ?? 0 };
  });
  const others = (await Promise.all(found)).filter(({ folder }) => folder !== present);
  const youngest = Math.max(...others.filter(({ folder }) => !folder.endsWith('.part')).map(({ at }) => at));
  for (const { folder, at } of others)
    if (at !== youngest && now - at > KEPT_MS) await rm(folder, { recursive: true, force: true });
}
