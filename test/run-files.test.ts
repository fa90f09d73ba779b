import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { nextKind } from './run-files.ts';
import { node } from './world/places.ts';

test('when many files are left, two work beside two that wait, and three when none waits', () => {
  const began = (left: { busy: number; waiting: number }) => {
    const running = { busy: 0, waiting: 0 };
    for (let kind = nextKind(left, running); kind !== undefined; kind = nextKind(left, running)) {
      running[kind]++;
      left[kind]--;
    }
    return running;
  };
  assert.deepEqual(began({ busy: 9, waiting: 9 }), { busy: 2, waiting: 2 });
  assert.deepEqual(began({ busy: 9, waiting: 0 }), { busy: 3, waiting: 0 });
  assert.deepEqual(began({ busy: 0, waiting: 9 }), { busy: 0, waiting: 4 });
  assert.deepEqual(began({ busy: 1, waiting: 1 }), { busy: 1, waiting: 1 });
});

const head = "import { test } from 'node:test';\n";
const good = `${head}test('it is well', () => undefined);\n`;
const badEnd = `${good}process.on('exit', () => { process.exitCode = 3; });\n`;

test('when a file goes wrong in any way, the run has not passed and says where, and all others have run', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-run-files-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'run.mjs');
  writeFileSync(
    program,
    `import { runFiles } from ${JSON.stringify(join(import.meta.dirname, 'run-files.ts'))};
    const [first, ...others] = process.argv.slice(2);
    const boundMs = Number(process.env.BOUND_MS) || undefined;
    process.exitCode = (await runFiles({ busy: others, waiting: [first] }, boundMs)) ? 0 : 1;`,
  );
  const run = async (files: Record<string, string>, bound: { BOUND_MS?: string } = {}) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const paths = Object.keys(files).map((name) => join(folder, name));
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(node, [program, ...paths], { env: { ...env, ...bound }, stdio: ['ignore', 'pipe', 'inherit'] });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { said, code };
  };
  const well = await run({
    'a.test.mjs': good,
    'b.test.mjs': `${head}test('later', { todo: true }, () => { throw 1; });\n`,
  });
  assert.equal(well.code, 0, well.said);
  assert.match(well.said, /tests 2\n.*pass 1\n.*fail 0\n.*todo 1\n/s);
  const bad = await run({
    'fails.test.mjs': `${head}test('it is bad', () => { throw new Error('bad'); });\n`,
    'no-start.test.mjs': "throw new Error('never');\n",
    'bad-end.test.mjs': badEnd,
    'last.test.mjs': good,
  });
  assert.equal(bad.code, 1, bad.said);
  assert.match(bad.said, /tests 5\n.*pass 2\n.*fail 3\n/s);
  for (const name of ['it is bad', 'no-start.test.mjs', 'bad-end.test.mjs'])
    assert.match(bad.said, new RegExp(`✖ .*${name}`));
  const early = await run({
    'exits.test.mjs': `${good}test('not over', async () => { setImmediate(() => process.exit(0)); await new Promise(() => undefined); });\n`,
    'none.test.mjs': '',
  });
  assert.equal(early.code, 1, early.said);
  for (const name of ['exits.test.mjs', 'none.test.mjs']) assert.match(early.said, new RegExp(`✖ .*${name}`));
  const endless = await run(
    { 'endless.test.mjs': `${head}test('it works', () => { for (;;); });\n` },
    { BOUND_MS: '1000' },
  );
  assert.equal(endless.code, 1, endless.said);
  assert.match(endless.said, /✖ .*endless\.test\.mjs.*not over within 1 s/s);
  const alone = await run({ 'bad-end.test.mjs': badEnd });
  assert.equal(alone.code, 1, alone.said);
});
