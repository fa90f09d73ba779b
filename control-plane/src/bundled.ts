/**
 * The program in a few files beside its sources. To find and link 1,100 modules was more than half of the work before the control
 * plane answered; `bundle.ts` makes them one. It counts only while the sources are those that it was made of.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ownClone = resolve(import.meta.dirname, '../..');

/** Where bundles are. */
export const bundlesFolder = join(ownClone, 'control-plane/dist');

/** What `main.ts`, `start.ts` and the command line load when the compile cache is on: entry → file below `src`. */
export const entries = {
  serve: 'cli/serve.ts',
  'start-cli': 'cli/start-cli.ts',
  'local-agent': 'local-agent.ts',
} as const;

/** What each entry exports. */
interface Exports {
  readonly serve: typeof import('./cli/serve.ts');
  readonly 'start-cli': typeof import('./cli/start-cli.ts');
  readonly 'local-agent': typeof import('./local-agent.ts');
}

/** What a bundle follows from. Versions of libraries are those of the lock file, or of what pnpm has installed while that is another. */
const SOURCES = ['control-plane/src', 'mcp-server/src', 'playbooks/src', 'protocol/src'];
const SINGLE = [
  ...['pnpm-lock.yaml', 'node_modules/.pnpm/lock.yaml'],
  ...['control-plane', 'mcp-server', 'playbooks', 'protocol'].map((it) => `${it}/package.json`),
];

/**
 * The folder of a bundle of the sources as they are: named by their places, sizes and times, since to read them all would cost
 * as much as it saves. Whether there is one is for the caller to see.
 */
export function bundleFolder(clone = ownClone): string {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(clone, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  const hash = createHash('sha256');
  for (const file of [...files, ...SINGLE.map((name) => join(clone, name))].sort()) {
    const found = statSync(file, { throwIfNoEntry: false }); // an editor's own file may be gone by now
    hash.update(`${file} ${found?.size} ${found?.mtimeMs}\n`);
  }
  return join(clone, 'control-plane/dist', hash.digest('hex').slice(0, 16));
}

/** Makes the bundle of the present sources where there is none, in a process of its own. Rejects with what that printed. */
export async function makeBundle(): Promise<void> {
  if (existsSync(bundleFolder())) return;
  await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'bundle.ts')]);
}

/** An entry from the bundle; `null` when there is none of the present sources: then the caller loads those. */
export function bundled<Entry extends keyof Exports>(entry: Entry): Exports[Entry] | null {
  const file = join(bundleFolder(), `${entry}.cjs`);
  return existsSync(file) ? (createRequire(file)(file) as Exports[Entry]) : null;
}
