/** `runner-program.ts` in one file, for tests that start it a hundred times: to find and load its sources is most of a start. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

export interface RunnerBundle extends AsyncDisposable {
  /** The file that Node is given. */
  readonly program: string;
}

/** Bundles the present sources into a folder of its own, which goes when it is disposed. Rejects with rolldown's error when they do not build. */
export async function bundleRunner(): Promise<RunnerBundle> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-runner-'));
  const made = await rolldown({
    input: { runner: join(import.meta.dirname, 'runner-program.ts') },
    platform: 'node',
    logLevel: 'warn',
    plugins: [whereSourcesAre],
  });
  await made.write({ dir: folder, format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await made.close();
  return {
    program: join(folder, 'runner.mjs'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What is loaded late is found from where the sources are. */
const whereSourcesAre: Plugin = {
  name: 'where sources are',
  transform(code, id) {
    if (id.includes('/node_modules/') || !code.includes('import.meta.url')) return null;
    return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href));
  },
};
