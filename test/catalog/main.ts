/** `npm run catalog:prove`: every playbook of the catalog on a real server, as a table. Ends with 1 when one is not proved. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLibrary } from '@countersign/playbooks';
import { node, projectFolder } from '../world/places.ts';
import type { Proof } from './prove.ts';

const folder = await mkdtemp(join(tmpdir(), 'countersign-catalog-'));
const table = join(folder, 'table.jsonl');
const started = performance.now();
const tests = spawn(node, ['--test', '--test-concurrency=3', '--test-timeout=600000', 'test/catalog/*.test.ts'], {
  cwd: projectFolder,
  stdio: 'inherit',
  env: { ...process.env, COUNTERSIGN_CATALOG_TABLE: table, COUNTERSIGN_REQUIRE_ALL: '1' },
});
const [code] = await once(tests, 'exit');
const lines = await readFile(table, 'utf8').catch(() => '');
await rm(folder, { recursive: true });

const proofs = lines
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Proof);
const { playbooks } = await loadLibrary();
const changing = [...playbooks.values()].filter(({ effect }) => effect === 'mutate').map(({ id }) => id);
const rows = changing.sort().map((id) => {
  const proof = proofs.find(({ playbook }) => playbook === id);
  return proof === undefined
    ? [id, 'NOT PROVED', '', '', '']
    : [id, proof.saw, proof.when, `${proof.how} → ${proof.undo}`, `${(proof.ms / 1000).toFixed(1)} s`];
});
const cut = (text: string, width: number) =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
const widths = [26, 28, 48, 64, 7];
const line = (cells: readonly string[]) =>
  cells
    .map((cell, index) => cut(cell, widths[index] ?? 10))
    .join('  ')
    .trimEnd();
process.stdout.write(`\n${line(['playbook', 'seen as', 'broken: mended', 'its check fails → undo', 'time'])}\n`);
for (const row of rows) process.stdout.write(`${line(row)}\n`);
const proved = rows.filter(([, saw]) => saw !== 'NOT PROVED').length;
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
process.stdout.write(`\n${proved} of ${rows.length} playbooks proved in ${minutes} minutes.\n`);
process.exitCode = code === 0 && proved === rows.length ? 0 : 1;
