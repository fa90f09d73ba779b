import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandAbuses } from '../../../control-plane/test/actions/command-abuses.ts';
import { readingOf, readingPrograms } from '../../src/reading-commands/judge.ts';
import { readingAbuses } from './abuses.ts';
import { legitimate } from './legitimate.ts';

const usual = {
  readRoots: ['/etc', '/var/log', '/var/www', '/srv', '/opt', '/usr/local/etc'],
  deniedPaths: ['/etc/countersign', '/opt/countersign', '/var/lib/countersign', '/etc/shadow', '/etc/gshadow'],
};
/** The owner who opens most: nothing is refused for lying elsewhere. */
const openest = { ...usual, readRoots: ['/'] };
const taken = (all: readonly (readonly string[])[], rules: typeof usual) =>
  all.filter((argv) => readingOf(argv, rules) !== null).map((argv) => JSON.stringify(argv));

test('T16: when programs that only read are abused in more than 10,000 spellings, none counts as reading', () => {
  const abuses = readingAbuses();
  assert.ok(abuses.length >= 10_000, `${abuses.length} abuses`);
  for (const program of Object.keys(readingPrograms))
    assert.ok(abuses.filter(([first]) => first === program).length >= 30, `${program} is abused too seldom`);
  assert.deepEqual(taken(abuses, usual), []);
  assert.deepEqual(taken(abuses, openest), []);
});

test('T16: when ordinary programs are abused in the ways of GTFOBins, none counts as reading', () => {
  assert.deepEqual(taken(commandAbuses(), usual), []);
  assert.deepEqual(taken(commandAbuses(), openest), []);
});

test('when people look after a server, what they type is understood as reading', () => {
  assert.ok(legitimate.length >= 150, `${legitimate.length} commands`);
  const missed = legitimate.filter((line) => readingOf(line.split(' '), usual) === null);
  assert.deepEqual(missed, []);
  const used = new Set(legitimate.map((line) => readingOf(line.split(' '), usual)?.program));
  assert.deepEqual(
    Object.keys(readingPrograms).filter((program) => !used.has(program)),
    [],
    'every row of the table is used',
  );
});

test('when a command reads files, it says which, and whether their content is read', () => {
  const looked = (line: string) => readingOf(line.split(' '), usual)?.looked;
  assert.deepEqual(looked('cat -n /etc/hosts /etc/fstab'), [
    { path: '/etc/hosts', at: 'content' },
    { path: '/etc/fstab', at: 'content' },
  ]);
  assert.deepEqual(looked('find /srv /opt -name *.log'), [
    { path: '/srv', at: 'place' },
    { path: '/opt', at: 'place' },
  ]);
  assert.deepEqual(looked('uptime'), []);
});

test('when a program would start a pager, it is told not to', () => {
  assert.deepEqual(readingOf(['systemctl', 'status', 'nginx'], usual)?.words, ['--no-pager', 'status', 'nginx']);
  assert.deepEqual(readingOf(['dmesg', '-T'], usual)?.words, ['--nopager', '-T']);
});

test('T15: when a path is not below a read root, or below a denied one, the command does not count as reading', () => {
  for (const path of [
    '/root/x',
    '/home/a',
    '/var/lib/x',
    '/etcx',
    '/tmp/x',
    '/',
    '/etc/countersign',
    '/etc/countersign/a/b',
  ])
    assert.equal(readingOf(['cat', path], usual), null, path);
  assert.equal(readingOf(['cat', '/etc/hosts'], { readRoots: [] }), null);
});
