/** The setup link: where it leads, and the file from which the command line of the same machine takes it. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../config/secrets.ts';
import type { AccessCore } from './access.ts';
import { makeSetupSecret } from './set-up.ts';

const linkFile = (dataDir: string) => join(dataDir, 'setup-link');

/**
 * Makes a new link and writes it to `<data>/setup-link` (mode 0600). The secret is in the fragment, which browsers send to
 * nobody. It works once, for 15 minutes; the link before it ends.
 */
export async function makeSetupLink(
  deps: Pick<AccessCore, 'db' | 'clock' | 'ids'>,
  place: { readonly publicUrl: string; readonly dataDir: string },
): Promise<{ url: string; expiresAt: number }> {
  const { secret, expiresAt } = await makeSetupSecret(deps);
  const url = `${place.publicUrl}/setup#${secret}`;
  await writeWhole(linkFile(place.dataDir), url);
  return { url, expiresAt };
}

/** The secret of the link that was written last, or null. */
export async function readSetupSecret(dataDir: string): Promise<string | null> {
  try {
    return (await readFile(linkFile(dataDir), 'utf8')).trim().split('#')[1] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Takes the file away once the link is of no use. */
export async function forgetSetupLink(dataDir: string): Promise<void> {
  await rm(linkFile(dataDir), { force: true });
}
