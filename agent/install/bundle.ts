/** Builds the agent into one file, `agent/dist/agent.mjs`, so that a server needs nothing but it and a Node. */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const agentFolder = resolve(import.meta.dirname, '..');
export const bundlePath = join(agentFolder, 'dist', 'agent.mjs');

/** Bundles the sources; resolves with the path of the file. Rejects with rolldown's error when they do not build. */
export async function bundleAgent(): Promise<string> {
  await mkdir(join(agentFolder, 'dist'), { recursive: true });
  const build = await rolldown({
    input: join(agentFolder, 'src', 'main.ts'),
    platform: 'node',
    logLevel: 'warn',
    // ws tries these two for speed and does without them.
    external: ['bufferutil', 'utf-8-validate'],
  });
  await build.write({
    file: bundlePath,
    format: 'esm',
    codeSplitting: false,
    minify: { compress: true, mangle: false, codegen: true },
  });
  await build.close();
  return bundlePath;
}

if (import.meta.main) {
  const path = await bundleAgent();
  process.stdout.write(`${path}\n`);
}
