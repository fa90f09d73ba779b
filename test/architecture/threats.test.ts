/** Every threat and fault of our list is named in the title of a test, or docs/security.md says why it is not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentAt, trackedFiles } from './documents.ts';
import { root } from './sources.ts';

const named = [
  ...Array.from({ length: 25 }, (_, n) => `T${n + 1}`),
  ...Array.from({ length: 19 }, (_, n) => `F${n + 1}`),
];
const titles = trackedFiles
  .filter((path) => path.endsWith('.test.ts') && path !== 'test/architecture/threats.test.ts')
  .flatMap((path) => [
    ...readFileSync(join(root, path), 'utf8').matchAll(/['"`]([^'"`\n]*\b[TF]\d{1,2}\b[^'"`\n]*)['"`]/g),
  ])
  .map(([, title = '']) => title);

/** The first word of every row below a heading of docs/security.md. */
function rowsBelow(heading: string): string[] {
  const { prose } = documentAt('docs/security.md');
  const part = prose.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...part.matchAll(/^\| ([TF]\d{1,2})\b/gm)].map(([, id = '']) => id);
}

test('when a threat or a fault is on our list, a test names it, or the page on security says why none does', () => {
  const tested = new Set(titles.flatMap((title) => title.match(/\b[TF]\d{1,2}\b/g) ?? []));
  const excused = new Set(rowsBelow('Not built'));
  assert.deepEqual(
    named.filter((id) => !tested.has(id) && !excused.has(id)),
    [],
    'write a test with this id in its title, or a row below "Not built"',
  );
});

test('when the page on security tells of threats, it tells of all of them', () => {
  const told = [...rowsBelow('Threats and defences'), ...rowsBelow('Not built')].filter((id) => id.startsWith('T'));
  assert.deepEqual(
    named.filter((id) => id.startsWith('T') && !told.includes(id)),
    [],
  );
});
