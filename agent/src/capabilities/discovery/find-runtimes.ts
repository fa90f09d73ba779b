import { accessSync, constants } from 'node:fs';
import { trustedProgram } from '../../host/find-program.ts';
import type { ObserveContext } from '../capability.ts';
import type { Found } from './discover.ts';

/** Languages that apps are written in, and how each says its version. */
const RUNTIMES: readonly (readonly [name: string, ...words: string[]])[] = [
  ['node', '--version'],
  ['bun', '--version'],
  ['deno', '--version'],
  ['python3', '--version'],
  ['php', '--version'],
  ['ruby', '--version'],
  ['java', '-version'],
  ['dotnet', '--version'],
  ['go', 'version'],
  ['perl', '--version'],
];
/** Only where the system and its owner put programs. */
const FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/local/go/bin', '/opt/bin'];
const ASK_MS = 4000;

/**
 * Language runtimes and their versions. One that says nothing is there all the same, without a version; so is one that others than
 * root could have put there, which is not started.
 */
export async function findRuntimes({ exec, signal }: ObserveContext, folders = FOLDERS): Promise<Found[]> {
  const found = await Promise.all(
    RUNTIMES.map(async ([name, ...words]) => {
      const path = folders.map((folder) => `${folder}/${name}`).find(isProgram);
      if (path === undefined) return [];
      const program = trustedProgram(path);
      if (program === null)
        return [{ name, state: null, detail: `${path}, not asked: others than root can change it` }];
      const done = await exec({ argv: [program, ...words], timeoutMs: ASK_MS, maxBytes: 4096, signal });
      const version = /\d+(\.\d+)+/.exec(`${done.stdout}${done.stderr}`)?.[0] ?? null;
      return [{ name, state: version, detail: path }];
    }),
  );
  return found.flat();
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
