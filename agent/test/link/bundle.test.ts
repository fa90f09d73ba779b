/** The bundle as servers run it: what a link has loaded on a day on which nothing happens. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { bundleAgent } from '../../install/bundle.ts';
import { until } from '../run/bed.ts';
import { ControlPlane } from './control-plane.ts';
import { newFolder } from './enrolled.ts';

/** Writes down the files that a process has loaded when it ends. */
const NOTE_LOADED = `process.once('exit', () =>
  process.getBuiltinModule('fs').writeFileSync(process.env.LOADED, Object.keys(require.cache).join('\\n')));`;

test('when a link of the bundle is connected and knows its runner, it has loaded neither schemas nor YAML nor capabilities', async () => {
  const { program, files } = await bundleAgent();
  await using controlPlane = await ControlPlane.start();
  const folder = newFolder();
  try {
    const words = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey];
    const token = ['--token', controlPlane.behaviour.token];
    await promisify(execFile)(process.execPath, [program, 'enroll', '--state', folder, ...words, ...token]);
    writeFileSync(join(folder, 'note.cjs'), NOTE_LOADED);
    const loaded = join(folder, 'loaded');
    const env = { PATH: process.env.PATH ?? '', LOADED: loaded };
    const linked = controlPlane.peers.length;
    const note = ['--require', join(folder, 'note.cjs')];
    const link = spawn(process.execPath, [...note, program, 'link', '--state', folder], { env, stdio: 'ignore' });
    const ended = once(link, 'exit');
    const peer = await until(() => controlPlane.peers[linked], 'the link to come');
    await peer.hears('heartbeat');
    // The runner has told about itself, and its certificates are asked for.
    await until(() => remembers(folder), 'the runner to be known');
    peer.send({ type: 'acknowledge', seq: 0 });
    link.kill('SIGTERM');
    await ended;
    const names = readFileSync(loaded, 'utf8').split('\n');
    assert.ok(names.includes(program));
    const texts = names
      .filter((name) => files.includes(name))
      .map((name) => [name, readFileSync(name, 'utf8')] as const);
    const heavy = texts.filter(([, text]) => /ZodDiscriminatedUnion|parseDocument|nsenter/.test(text));
    assert.deepEqual(
      heavy.map(([name]) => basename(name)),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

function remembers(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'link/about.json'), 'utf8') !== '';
  } catch {
    return false; // not yet
  }
}
