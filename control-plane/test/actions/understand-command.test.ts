import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../protocol/test/seeded-random.ts';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { understandCommand } from '../../src/actions/understand-command.ts';
import { cardOf } from '../../src/approvals/card.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { commandAbuses } from './command-abuses.ts';
import { heart } from './heart.ts';

const programs = (...argv: string[]) => [...understandCommand(argv).programs].sort();
const said = (...argv: string[]) => understandCommand(argv).sentences.join('\n');

test('when a shell is given a text, every program in it is found, and where it writes', () => {
  const argv = ['sh', '-c', 'curl -s http://x | tee /etc/a; rm -rf "$D/x" > /etc/b 2>&1 && echo "$(id)" >>/etc/c'];
  assert.deepEqual(programs(...argv), ['curl', 'echo', 'id', 'rm', 'sh', 'tee']);
  for (const words of [
    /runs curl -s http:\/\/x/,
    /runs rm -rf "\$D\/x"/,
    /writes into \/etc\/b/,
    /writes into \/etc\/c/,
    /goes into the next/,
  ])
    assert.match(said(...argv), words);
});

test('when programs that start others stand before a program, it is found behind all of them', () => {
  const wrapped: string[][] = [
    ['env', '-i', 'A=1', 'rm', '-rf', '/srv'],
    ['sudo', '-u', 'root', '--', 'rm', 'x'],
    ['nohup', 'setsid', 'nice', '-n', '5', 'rm', 'x'],
    ['timeout', '-k', '5', '10s', 'rm', 'x'],
    ['xargs', '-a', '/srv/list', '-I', '{}', 'rm', '{}'],
    ['find', '/srv', '-name', 'x', '-exec', 'rm', '{}', ';'],
    ['find', '/srv', '-ok', 'sh', '-c', 'rm $1', ';'],
    ['ssh', '-p', '22', 'web-2', 'rm', '-rf', '/srv'],
    ['ssh', 'web-2', 'sudo rm -rf /srv'],
    ['bash', '-lc', 'rm x'],
    ['bash', '-euo', 'pipefail', '-c', 'rm x'],
    ['su', '-', 'root', '-c', 'rm x'],
    ['script', '-qc', 'rm x'],
    ['script', '-c', 'rm x', '/dev/null'],
    ['flock', '/run/x', 'rm', 'x'],
    ['chroot', '/srv', 'rm', 'x'],
    ['busybox', 'rm', 'x'],
    ['watch', '-n', '1', 'rm', 'x'],
    ['docker', 'exec', '-u', 'root', 'web', 'rm', 'x'],
    ['kubectl', 'exec', 'pod', '--', 'rm', 'x'],
    ['systemd-run', '--unit', 'x', 'rm', 'x'],
    ['/usr/bin/env', '/bin/sh', '-c', 'exec /bin/rm x'],
    ['sh', '-c', 'bash -c \'sh -c "rm x"\''],
    ['sh', '-c', 'if true; then for i in 1; do (rm x) & done; fi'],
    ['sh', '-c', 'cat <(rm x)'],
    ['sh', '-c', 'echo `rm x`'],
    ['sh', '-c', 'A=$(rm x) true'],
    ['sh', '-c', "'r''m' x"],
    ['sh', '-c', 'r\\m x'],
    ['sh', '-c', "$'\\x72\\x6d' x"],
  ];
  for (const argv of wrapped) {
    const found = programs(...argv);
    assert.ok(found.includes('rm') || found.includes('?'), `${argv.join(' ')}: ${found.join(' ')}`);
  }
  const certain = wrapped.filter((argv) => programs(...argv).includes('rm'));
  assert.ok(certain.length >= wrapped.length - 2, wrapped.filter((argv) => !certain.includes(argv)).join('\n'));
});

test('when something cannot be looked into, it is said, and rules can name it', () => {
  for (const argv of [
    ['sh', '-c', '$X y'],
    ['sh', '/srv/x.sh'],
    ['bash'],
    ['python3', '-c', 'x'],
    ['awk', 'BEGIN{system("id")}'],
    ['sh', '-c', 'if ((('],
    ['su', 'root'],
    ['env', '-S', 'rm x'],
    ['sh', '-c', 'f() { rm x; }; f'],
    ['sh', '-c', 'x'.repeat(30_000)],
  ]) {
    assert.ok(programs(...argv).includes('?'), argv.join(' ').slice(0, 80));
    assert.match(said(...argv), /cannot be inspected/);
  }
});

test('T7: when words are put so that a program hides behind another, it is found or said to be unclear', () => {
  const hidden: string[][] = [
    ['env', '-', 'rm', 'x'],
    ['env', '--', 'A=1', 'rm', 'x'],
    ['sudo', '--', 'A=1', 'rm', 'x'],
    ['bash', '-c', '-O', 'extglob', 'rm x'],
    ['bash', '-oc', 'posix', 'rm x'],
    ['bash', '-c', '-', 'rm x'],
    ['bash', '/srv/x.sh', '-c', 'ls'],
    ['bash', '--rcfile', '/srv/x.sh', '-ic', 'ls'],
    ['parallel', 'rm -rf {}', ':::', 'a'],
    ['script', '-crm x'],
    ['sudo', '-s'],
    ['ssh', 'web-2'],
    ['ssh', '-o', 'ProxyCommand=rm x', 'web-2'],
    ['ssh', '-oProxyCommand=rm x', 'web-2', 'ls'],
    ['nsenter', '-t', '1', '-m'],
    ['docker', 'run', '--entrypoint=rm', 'image', '-rf', '/'],
    ['php8.2', '-r', 'x'],
    ['sh', '-c', 'X=rm; eval $X y'],
    ['sh', '-c', 'X=rm; env $X y'],
    ['sh', '-c', '. /srv/x.sh'],
    ['sh', '-c', 'LD_PRELOAD=/srv/x.so ls'],
    ['env', 'LD_PRELOAD=/srv/x.so', 'ls'],
    ['sh', '-c', 'trap "rm x" EXIT'],
    ['sh', '-c', 'alias ls=rm\nls x'],
  ];
  for (const argv of hidden) {
    const found = programs(...argv);
    assert.ok(found.includes('rm') || found.includes('?'), `${argv.join(' ')}: ${found.join(' ')}`);
  }
  assert.ok(understandCommand(['ls'], { BASH_ENV: '/srv/x' }).programs.includes('?'));
  assert.deepEqual(understandCommand(['ls'], { LANG: 'C' }), { sentences: [], programs: ['ls'] });
  assert.deepEqual(programs('timeout', '--', '5', 'rm', 'x'), ['rm', 'timeout']);
  assert.deepEqual(programs('bash', '-euo', 'pipefail', '-c', 'rm x'), ['bash', 'rm']);
});

test('when argv says it all, nothing is explained; where no shell reads a sign of one, that is said', () => {
  assert.equal(said('systemctl', 'restart', 'nginx'), '');
  assert.equal(said('echo', 'x', '>', '/etc/x'), 'No shell reads its words: > is a word like any other to echo.');
});

test('when argv is random or an abuse, it is explained in bounded sentences and nothing throws', () => {
  const seed = 20261121;
  const random = seededRandom(seed);
  const pieces = [
    'sh',
    '-c',
    'env',
    'sudo',
    'xargs',
    'find',
    '-exec',
    ';',
    '$(',
    ')',
    '`',
    "'",
    '"',
    '\\',
    '{',
    '}',
    '<<',
    'EOF\n',
    '|',
    '&',
    '((',
    '[[',
    'for',
    'do',
    'done',
    '\u202e',
    '\ud800',
    '\n',
    'case',
    'esac',
    'x=1',
    '-u',
    '--',
    'rm',
  ];
  const mixes = Array.from({ length: 3000 }, () =>
    [
      'sh',
      '-c',
      Array.from({ length: random.int(12) }, () => random.pick(pieces)).join(random.int(2) ? ' ' : ''),
      ...Array.from({ length: random.int(5) }, () => random.pick(pieces)),
    ].slice(random.int(3)),
  );
  for (const argv of [...mixes, ...commandAbuses(), Array.from({ length: 64 }, () => 'sudo')]) {
    const { sentences } = understandCommand(argv);
    assert.ok(
      sentences.length <= 21 && sentences.every((words) => words.length < 500 && !/[\u0000-\u001f\u202e]/.test(words)),
      `seed ${seed}: ${JSON.stringify(argv)}`,
    );
  }
});

const NO_RM = '  - {name: no-rm, when: {programs: [rm, mkfs*]}, deny: {reason: Nothing is deleted by hand.}}';
const asks = (h: Awaited<ReturnType<typeof heart>>, ...argv: string[]) =>
  h.ask({ wanted: { kind: 'command', argv, timeout_s: 60 } });

test('T16: when a rule denies a program, it is denied however deep it stands in a command', async (t) => {
  const h = await heart(t, { policy: NO_RM });
  for (const argv of [
    ['rm', 'x'],
    ['/bin/rm', 'x'],
    ['sh', '-c', 'true && rm x'],
    ['sudo', 'env', 'A=1', 'mkfs.ext4', '/dev/sdb'],
  ]) {
    const { actionId } = await asks(h, ...argv);
    assert.equal(await h.stateOf(actionId), 'denied', argv.join(' '));
  }
  const { actionId } = await asks(h, 'ls', 'rm');
  assert.equal(await h.stateOf(actionId), 'awaiting_approval');
});

test('T16: when a rule would allow by the programs that we read, it is no rule', () => {
  const parsed = parsePolicy(
    'format: countersign-policy/1\nrules:\n  - {name: ls, when: {programs: [ls]}, allow: true}\n',
  );
  assert.match('problems' in parsed ? parsed.problems.map(({ message }) => message).join() : '', /explains and denies/);
});

test('T7: when people are asked for a command, its action and its card say what would run, in our sentences', async (t) => {
  const h = await heart(t);
  const { actionId } = await asks(h, 'sh', '-c', 'rm -rf /srv/\u202etxt.exe');
  const detail = await actionDetail(h.deps, actionId);
  assert.match(detail.explained?.join() ?? '', /A shell, started by sh, runs rm -rf \/srv\//);
  assert.doesNotMatch(detail.explained?.join() ?? '', /\u202e/);
  assert.deepEqual(cardOf(detail).explained, detail.explained);
});
