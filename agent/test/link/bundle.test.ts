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

/** A link of the bundle, enrolled and started; `prepare` is called before it starts. */
async function linkOfBundle(
  controlPlane: ControlPlane,
  folder: string,
  { words = [], env = {}, prepare }: { words?: string[]; env?: Record<string, string>; prepare?: () => void } = {},
) {
  const { program, files } = await bundleAgent();
  const to = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey];
  const token = ['--token', controlPlane.behaviour.token];
  await promisify(execFile)(process.execPath, [program, 'enroll', '--state', folder, ...to, ...token]);
  prepare?.();
  const linked = controlPlane.peers.length;
  const link = spawn(process.execPath, [...words, program, 'link', '--state', folder], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: 'ignore',
  });
  const ended = once(link, 'exit');
  const end = async () => {
    link.kill('SIGTERM');
    await ended;
  };
  return { program, files, end, peer: await until(() => controlPlane.peers[linked], 'the link to come') };
}

test('when a link of the bundle is connected and knows its runner, it has loaded neither schemas nor YAML nor capabilities', async () => {
  await using controlPlane = await ControlPlane.start();
  const folder = newFolder();
  try {
    const loaded = join(folder, 'loaded');
    const { program, files, peer, end } = await linkOfBundle(controlPlane, folder, {
      words: ['--require', join(folder, 'note.cjs')],
      env: { LOADED: loaded },
      prepare: () => writeFileSync(join(folder, 'note.cjs'), NOTE_LOADED),
    });
    await peer.hears('heartbeat');
    // The runner has told about itself, and its certificates are asked for.
    await until(() => remembers(folder), 'the runner to be known');
    peer.send({ type: 'acknowledge', seq: 0 });
    await end();
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

test('when a link of the bundle needs the schemas before it has connected, it has them', async () => {
  await using controlPlane = await ControlPlane.start();
  const folder = newFolder();
  try {
    // No form takes this line, so the schema itself is asked; it takes it.
    const message = { type: 'refused', seq: 0, actionId: 'act_0123456789ab', at: 1, fault: { code: 'internal' } };
    const { peer, end } = await linkOfBundle(controlPlane, folder, {
      prepare: () => writeFileSync(join(folder, 'link/outbox.ndjson'), `${JSON.stringify({ key: 'k', message })}\n`),
    });
    await peer.hears('heartbeat');
    await end();
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
