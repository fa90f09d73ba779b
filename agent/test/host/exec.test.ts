import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execute } from '@countersign/agent/host/exec';
import { howItEnded } from '@countersign/agent/host/execution';
import { systemClock } from '@countersign/protocol';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import { heldClock } from '../held-clock.ts';

const quick = { timeoutMs: 60_000 };

test('when a program ends, its exit code and both outputs come back', async () => {
  const done = await execute({ argv: ['sh', '-c', 'echo out; echo err >&2; exit 3'], ...quick });
  assert.equal(done.exitCode, 3);
  assert.equal(done.stdout, 'out\n');
  assert.equal(done.stderr, 'err\n');
  assert.equal(done.timedOut, false);
  assert.equal(done.notStarted, null);
});

test('when a program is not there, the result says so', async () => {
  const done = await execute({ argv: ['countersign-no-such-program'], ...quick });
  assert.equal(done.exitCode, null);
  assert.equal(done.notStarted, 'ENOENT');
  assert.equal(howItEnded(done), 'is not installed');
});

test('when a program cannot be handed to the system at all, the result says so', async () => {
  const given = [
    { argv: ['true', 'a\0b'] },
    { argv: ['true', 'x'.repeat(4 * 1024 * 1024)] },
    { argv: ['true'], cwd: '/no/such/folder' },
    { argv: ['/etc'] },
    { argv: [''] },
  ];
  for (const each of given) {
    const done = await execute({ ...each, ...quick, input: 'unread' });
    assert.deepEqual([done.exitCode, done.signal, done.stdout], [null, null, '']);
    assert.ok(done.notStarted, JSON.stringify(each).slice(0, 100));
  }
});

test('when a program ends without reading what it is given, its end is all that counts', async () => {
  const input = 'x'.repeat(4 * 1024 * 1024);
  for (const argv of [['true'], ['sh', '-c', 'exec <&-; sleep 0.1; echo done']]) {
    const done = await execute({ argv, ...quick, input });
    assert.deepEqual([done.exitCode, done.notStarted, done.timedOut], [0, null, false]);
  }
});

test('when a program starts, it sees a cleared environment and an empty input', async () => {
  process.env.COUNTERSIGN_TEST_SECRET = 'leak';
  try {
    const done = await execute({ argv: ['env'], ...quick, env: { ADDED: 'yes' } });
    assert.deepEqual(
      done.stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0])
        .sort(),
      ['ADDED', 'LANG', 'LC_ALL', 'PATH'],
    );
    assert.equal((await execute({ argv: ['cat'], ...quick })).stdout, '');
    assert.equal((await execute({ argv: ['cat'], ...quick, input: 'hello' })).stdout, 'hello');
  } finally {
    delete process.env.COUNTERSIGN_TEST_SECRET;
  }
});

test('when a program outlasts its time, it is killed with its children', async () => {
  const clock = heldClock(systemClock, quick.timeoutMs);
  const argv = ['sh', '-c', 'sleep 60 & echo $!; sleep 60'];
  const done = await execute({ argv, ...quick, onOutput: clock.pass }, clock);
  assert.equal(done.timedOut, true);
  assert.equal(done.exitCode, null);
  await assertGone(Number(done.stdout.trim()));
});

test('when a program ignores SIGTERM, it is killed all the same', async () => {
  const clock = heldClock(systemClock, quick.timeoutMs);
  const argv = ['sh', '-c', "trap '' TERM; echo deaf; while :; do sleep 0.05; done"];
  const done = await execute({ argv, ...quick, onOutput: clock.pass }, clock);
  assert.equal(done.signal, 'SIGKILL');
});

test('when the signal is aborted, the call rejects with its reason after the process is gone', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  let pid = 0;
  const onOutput = (text: string) => {
    pid = Number(text.trim());
    stop.abort(reason);
  };
  await assert.rejects(
    execute({ argv: ['sh', '-c', 'echo $$; exec sleep 60'], ...quick, signal: stop.signal, onOutput }),
    reason,
  );
  await assertGone(pid);
  await assert.rejects(execute({ argv: ['true'], ...quick, signal: stop.signal }), reason);
});

test('when a program floods its output, only the first bytes are kept and the rest is counted as truncated', async () => {
  const before = process.memoryUsage().rss;
  const done = await execute({ argv: ['head', '-c', '200M', '/dev/zero'], ...quick, maxBytes: 1000 });
  assert.equal(done.exitCode, 0);
  assert.equal(done.stdout.length, 1000);
  assert.equal(done.truncated, true);
  assert.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024);
});

test('when output comes in pieces, it is handed on in whole lines', async () => {
  const seen: string[] = [];
  const script = 'printf "pass"; sleep 0.2; printf "word=x\\nlast"';
  await execute({ argv: ['sh', '-c', script], ...quick, onOutput: (text) => seen.push(text) });
  assert.deepEqual(seen, ['password=x\n', 'last']);
});

test('when a program leaves a child behind that holds its pipes, the call does not wait for the child', async () => {
  const done = await execute({ argv: ['sh', '-c', 'sleep 300 & echo $!'], timeoutMs: 60_000 });
  execFileSync('kill', ['-9', done.stdout.trim()]);
  assert.equal(done.exitCode, 0);
  assert.equal(done.timedOut, false);
});

test('when words hold what a shell would act on, the program gets them byte for byte (10,000 generated, T16)', async () => {
  const marker = '/tmp/countersign-injected';
  const random = seededRandom(20_261_120).next;
  const words = Array.from({ length: 10_000 }, () => injection(random, marker));
  for (let from = 0; from < words.length; from += 500) {
    const some = words.slice(from, from + 500);
    const done = await execute({ argv: ['printf', '%s\\0', ...some], ...quick, maxBytes: 4 * 1024 * 1024 });
    assert.equal(done.exitCode, 0);
    assert.deepEqual(done.stdout.split('\0').slice(0, -1), some);
  }
  assert.equal(existsSync(marker), false);
});

/** Gone, or a zombie that whoever adopted it has not collected yet. */
async function assertGone(pid: number): Promise<void> {
  assert.ok(pid > 0);
  const alive = () => existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const deadline = performance.now() + 20_000;
  while (alive() && performance.now() < deadline) await delay(10);
  assert.equal(alive(), false);
}

/** A word of one to six parts that shells, options, formats and terminals act on. */
function injection(random: () => number, marker: string): string {
  const parts = [
    `; touch ${marker}`,
    `$(touch ${marker})`,
    `\`touch ${marker}\``,
    `| touch ${marker}`,
    `&& touch ${marker}`,
    `\n touch ${marker}\n`,
    '--help',
    '-n',
    '--',
    '%s%n%x',
    '\\0\\n',
    "'",
    '"',
    '$HOME',
    '$' + '{PATH}',
    '$$',
    '!!',
    '~root',
    '*',
    '?',
    '[a-z]',
    '{a,b}',
    '>',
    '<',
    '>>/etc/x',
    '#',
    '\t',
    '\r\n',
    '\u001b[31m',
    '\u202e',
    'ä€😀',
    '\\',
    '../..',
    '=',
    '@/etc/shadow',
    '-o ProxyCommand=x',
    'a b',
    '',
    '\u007f',
    '%i',
    ':',
  ];
  const count = 1 + Math.floor(random() * 6);
  const text = Array.from({ length: count }, () => parts[Math.floor(random() * parts.length)]).join('');
  return random() < 0.2 ? `-${text}` : text;
}
