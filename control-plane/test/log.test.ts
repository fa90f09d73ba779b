/** The lines of the log, and when they go out. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gatherLines, makeLog } from '../src/log.ts';

function logOf() {
  const written: string[] = [];
  const clock = { now: () => Date.UTC(2026, 10, 20, 2, 13) };
  const log = makeLog({ clock, write: gatherLines((text) => written.push(text)) });
  return { log, written };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('when lines come in one turn, they go out in one piece, in their order', async () => {
  const { log, written } = logOf();
  log.info('a', { text: 'x\u001b[31m' });
  log.info('b');
  assert.deepEqual(written, []);
  await turn();
  const at = '2026-11-20T02:13:00.000Z';
  assert.deepEqual(written, [
    `{"at":"${at}","level":"info","event":"a","text":"x"}\n{"at":"${at}","level":"info","event":"b"}\n`,
  ]);
  await turn();
  assert.equal(written.length, 1);
});

test('when a line is more than information, it goes out at once, after those that wait', async () => {
  const { log, written } = logOf();
  log.info('a');
  log.error('b');
  assert.equal(written.length, 1);
  assert.match(written[0] ?? '', /"a".*\n.*"b".*\n$/);
  await turn();
  assert.equal(written.length, 1);
});

test('when the process exits in the same turn, also by an error that nobody caught, its last lines are written', async () => {
  const source = (end: string) => `
    import { gatherLines } from ${JSON.stringify(import.meta.resolve('../src/log.ts'))};
    gatherLines((text) => process.stderr.write(text))('the last line\\n', 'info');
    ${end}`;
  for (const end of ['process.exit(3)', 'throw new Error("not caught")']) {
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source(end)]);
    await assert.rejects(child, ({ stderr }: { stderr: string }) => /^the last line$/m.test(stderr));
  }
});
