/** The bundle of the control plane: used for the sources that it was made of, and for no others. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { forgetOlder } from '@countersign/protocol/built-folder';
import { bundled, bundleFolder, makeBundle } from '../src/bundled.ts';
import { serve } from '../src/cli/serve.ts';

const clone = resolve(import.meta.dirname, '../..');

test('when the sources are those of the bundle, the program comes out of it', async () => {
  await makeBundle();
  const made = bundled('serve');
  assert.equal(typeof made?.serve, 'function');
  assert.notEqual(made?.serve, serve, 'these are the sources');
});

test('when any source is changed, added, removed or moved elsewhere, no bundle of before counts', (context) => {
  const copy = mkdtempSync(join(tmpdir(), 'countersign-clone-'));
  context.after(() => rmSync(copy, { recursive: true, force: true }));
  const isNotMade = (path: string) => !/\/(node_modules|dist|test)$/.test(path);
  for (const name of ['control-plane', 'mcp-server', 'playbooks', 'protocol', 'pnpm-lock.yaml'])
    cpSync(join(clone, name), join(copy, name), { recursive: true, preserveTimestamps: true, filter: isNotMade });
  const seen = [bundleFolder(), bundleFolder(copy)];
  assert.equal(bundleFolder(copy), seen[1]);
  const [changed, added] = [join(copy, 'protocol/src/clock.ts'), join(copy, 'playbooks/src/added.ts')];
  const { mtimeMs } = statSync(changed);
  const changes = [
    () => writeFileSync(changed, '// less\n'),
    () => utimesSync(changed, mtimeMs / 1000, mtimeMs / 1000 + 5),
    () => writeFileSync(added, ''),
    () => rmSync(join(copy, 'mcp-server/src/advertise.ts')),
    () => writeFileSync(join(copy, 'pnpm-lock.yaml'), 'none'),
    () => {
      mkdirSync(join(copy, 'node_modules/.pnpm'), { recursive: true });
      writeFileSync(join(copy, 'node_modules/.pnpm/lock.yaml'), 'others are installed');
    },
  ];
  for (const change of changes) {
    change();
    seen.push(bundleFolder(copy));
  }
  assert.equal(new Set(seen).size, seen.length, seen.join('\n'));
});

test('when bundles are days old, those are removed that nothing can run from any more', async (context) => {
  const bundles = mkdtempSync(join(tmpdir(), 'countersign-bundles-'));
  context.after(() => rmSync(bundles, { recursive: true, force: true }));
  const hours = { present: 50, before: 60, earlier: 70, 'killed.part': 55, lately: 1 };
  const make = (name: string, age: number) => {
    mkdirSync(join(bundles, name));
    const then = Date.now() / 1000 - age * 3600;
    utimesSync(join(bundles, name), then, then);
  };
  for (const [name, age] of Object.entries(hours)) make(name, age);
  await forgetOlder(bundles, join(bundles, 'present'), Date.now());
  assert.deepEqual(readdirSync(bundles).sort(), ['lately', 'present']);
  make('before', 60);
  rmSync(join(bundles, 'lately'), { recursive: true });
  make('earlier', 70);
  await forgetOlder(bundles, join(bundles, 'present'), Date.now());
  assert.deepEqual(readdirSync(bundles).sort(), ['before', 'present']);
});
