import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeMachine } from './processes.ts';

/** The worked example of the guide, in a folder of its own: the playbook and its cases. */
async function guideFolder(t: TestContext): Promise<string> {
  const page = await readFile(new URL('../../../docs/playbook-guide.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  const folder = await mkdtemp(join(tmpdir(), 'countersign-guide-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'shop'));
  const put = (name: string, begins: string) =>
    writeFile(join(folder, 'shop', name), blocks.find((text) => text.startsWith(begins)) ?? assert.fail(begins));
  await put('worker_threads.yaml', 'id: shop.worker_threads');
  await put('worker_threads.test.yaml', 'cases:');
  return folder;
}

test('when the guide is followed, its playbook is right and its cases hold, without any control plane', async (t) => {
  const machine = await makeMachine(t);
  const folder = await guideFolder(t);
  const linted = await machine.cli(['playbook', 'lint', folder]);
  assert.deepEqual([linted.code, linted.out.trim()], [0, 'The playbook is right.']);
  const tried = await machine.cli(['playbook', 'test', folder]);
  assert.equal(tried.code, 0, tried.out);
  assert.match(tried.out, /✔ when eight threads are asked for\n {2}✔ when too many are asked for/);
  const schema = await machine.cli(['playbook', 'schema']);
  assert.ok(JSON.parse(schema.out).properties.steps);
});

test('when a playbook or a case is wrong, the place is told and the exit code says so', async (t) => {
  const machine = await makeMachine(t);
  const folder = await guideFolder(t);
  const file = join(folder, 'shop/worker_threads.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    join(folder, 'shop/worker_threads.test.yaml'),
    'cases:\n  - { when: x, parameters: { threads: "8" }, risk: low }\n',
  );
  const tried = await machine.cli(['playbook', 'test', file]);
  assert.deepEqual([tried.code, /✖ when x\n\s+risk is medium, not low/.test(tried.out)], [1, true], tried.out);
  await writeFile(file, text.replace('key: THREADS', 'kee: THREADS'));
  const linted = await machine.cli(['playbook', 'lint', file, '--json']);
  assert.equal(linted.code, 1);
  const [problem] = linted.json().problems;
  assert.deepEqual([problem.file, problem.line], [file, 15]);
  assert.match(problem.message, /config\.set_key has no parameter kee; it has path, format/);
  const none = await machine.cli(['playbook', 'lint', join(folder, 'nothing.yaml'), '--json']);
  assert.deepEqual([none.code, none.json().error.code], [2, 'usage']);
});
