/** The catalog keeps its word: no playbook changes a server unless it was broken, mended and undone on a real one. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibrary } from '@countersign/playbooks';
import { diagnosticIds } from '@countersign/protocol';
import { catalogPage } from './catalog-page.ts';
import { root } from './sources.ts';

const folder = join(root, 'test/catalog');
const rows = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(folder, name), 'utf8'));

test('when a playbook changes something, a row proves it on a real server', async () => {
  const { playbooks } = await loadLibrary();
  const changing = [...playbooks.values()].filter(({ effect }) => effect === 'mutate').map(({ id }) => id);
  const proved = new Set(rows.flatMap((text) => [...text.matchAll(/playbook: '([a-z0-9_.]+)'/g)].map(([, id]) => id)));
  assert.deepEqual(
    changing.filter((id) => !proved.has(id)).map((id) => `${id}: write its row in test/catalog (see prove.ts)`),
    [],
  );
});

test('when a diagnostic is one of the catalog, a test on a real server sees a finding of it', () => {
  const seen = new Set(
    rows.flatMap((text) => [...text.matchAll(/diagnostic: '([a-z0-9_]+)'/g)].map(([, id]) => id ?? '')),
  );
  // Seen on real servers elsewhere: test/scenarios and test/hosts-capabilities.
  for (const id of ['overview', 'service', 'failed_units', 'nginx', 'logs', 'network_ports']) seen.add(id);
  assert.deepEqual(
    diagnosticIds.filter((id) => !seen.has(id)).map((id) => `${id}: break something that it has to see`),
    [],
  );
});

test('when a diagnostic or a playbook changes, the page of the catalog does', async () => {
  const page = join(root, 'docs/catalog.md');
  const wanted = await catalogPage();
  if (process.env.COUNTERSIGN_RENEW_DOCS === '1') writeFileSync(page, wanted);
  assert.equal(
    readFileSync(page, 'utf8'),
    wanted,
    'run this test with COUNTERSIGN_RENEW_DOCS=1 and commit docs/catalog.md',
  );
});
