/** The package that a control plane serves, with a program in it that goes wrong. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { World } from '../world/world.ts';

const run = promisify(execFile);
const PROGRAM = 'bin/countersign-agent';

/** Has the control plane serve a package whose program begins with this line; its name and version stay. Returns what takes it back. */
export async function serveSpoiled({ dataDir }: World, line: string): Promise<() => Promise<void>> {
  const folder = join(dataDir, 'agent-packages');
  const name = (await readdir(folder)).find((each) => each.endsWith('.tar.gz'));
  if (name === undefined) throw new Error(`no package in ${folder}`);
  const file = join(folder, name);
  const [good, sum] = [await readFile(file), await readFile(`${file}.sha256`)];
  const spoiled = await withProgram(good, line);
  await writeFile(file, spoiled);
  await writeFile(`${file}.sha256`, `${createHash('sha256').update(spoiled).digest('hex')}\n`);
  return async () => {
    await writeFile(file, good);
    await writeFile(`${file}.sha256`, sum);
  };
}

/** The same package with one more line in its program. Of two files of one name in a tar, the last one counts; nothing else of it changes. */
async function withProgram(good: Buffer, line: string): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), 'countersign-spoiled-'));
  try {
    const tar = join(work, 'package.tar');
    await writeFile(tar, await promisify(gunzip)(good));
    await run('tar', ['-xf', tar, '-C', work, PROGRAM]);
    // As a function: in a text, $$ would mean one $.
    const program = await readFile(join(work, PROGRAM), 'utf8');
    await writeFile(
      join(work, PROGRAM),
      program.replace('\n', () => `\n${line}\n`),
    );
    await run('tar', ['--append', '-f', tar, '--owner=0', '--group=0', '-C', work, PROGRAM]);
    // To make a whole Node small takes seconds of a processor, and the package does not go far.
    return await promisify(gzip)(await readFile(tar), { level: 0 });
  } finally {
    await rm(work, { recursive: true });
  }
}
