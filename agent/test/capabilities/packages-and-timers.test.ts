import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseMdstat, parseScan, readOnlyByMistake } from '@countersign/agent/capabilities/disk/storage';
import { parseDryRun } from '@countersign/agent/capabilities/logs/log-rotate';
import { isMovedCopy } from '@countersign/agent/capabilities/logs/log-writers';
import { logsOf, parsePatterns } from '@countersign/agent/capabilities/logs/logrotate-files';
import { heldBack, parseHalfDone, parseUpgrades } from '@countersign/agent/capabilities/packages/apt';
import { parseNeedrestart } from '@countersign/agent/capabilities/packages/needrestart';
import { configOf } from '@countersign/agent/capabilities/packages/security-upgrade';
import { parseCrontab } from '@countersign/agent/capabilities/schedule/crontabs';
import { parseTimers } from '@countersign/agent/capabilities/schedule/timers';
import { readLockHolders } from '@countersign/agent/host/file-locks';
import { parseMounts } from '@countersign/agent/host/mounts';
import { Place } from './context.ts';

test('when apt and dpkg answer, updates and half-done packages are read and odd lines passed over', () => {
  const said = [
    'Inst libssl3 [3.0.9-1] (3.0.11-1 Debian-Security:12/stable-security [amd64])',
    'Inst fresh (1.0 Debian:12.4/stable [all])',
    'Inst',
    'Conf libssl3 (3.0.11-1 Debian-Security:12/stable-security [amd64])',
  ];
  assert.deepEqual(parseUpgrades(said.join('\n')), [
    { name: 'libssl3', from: '3.0.9-1', to: '3.0.11-1', security: true },
    { name: 'fresh', from: null, to: '1.0', security: false },
  ]);
  const dpkg =
    'a\tok\tinstalled\nb\tok\thalf-configured\nc\treinstreq\thalf-installed\nd\tok\tconfig-files\n\nnonsense';
  assert.deepEqual(
    parseHalfDone(dpkg).map(({ name }) => name),
    ['b', 'c'],
  );
  assert.deepEqual(parseNeedrestart('NEEDRESTART-VER: 3.6\nNEEDRESTART-SVC: nginx.service\nNEEDRESTART-SVC: cron\n'), {
    services: ['nginx.service', 'cron.service'],
  });
  assert.equal(heldBack('libstdc++6', 'libstdc++6 linux-*'), true);
  assert.equal(heldBack('linux-image-amd64', 'libstdc++6 linux-*'), true);
  assert.equal(heldBack('xlinux-image', 'linux-*'), false);
  assert.equal(
    configOf('libstdc++6 linux-*'),
    'Unattended-Upgrade::Package-Blacklist {\n  "^libstdc\\+\\+6$";\n  "^linux-.*$";\n};\n',
  );
  assert.match(configOf(undefined, ['g++']), /\{\n {2}"\^g\\\+\\\+\$";\n\}/);
});

test('when a process holds a lock on a file, it is named; one that only has it open is not', async () => {
  using place = new Place();
  const path = place.at('lock');
  writeFileSync(path, '');
  const holder = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const looker = spawn('sh', ['-c', 'exec 3<"$1"; echo open; exec cat', 'sh', path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await Promise.all([once(holder.stdout, 'data'), once(looker.stdout, 'data')]);
    // flock(1) leaves its descriptor, and so its lock, to the program that it starts.
    const pids = readLockHolders([path]).map(({ pid }) => pid);
    assert.ok(pids.length > 0);
    assert.ok(!pids.includes(looker.pid ?? -1));
  } finally {
    holder.stdin.end();
    looker.stdin.end();
    await Promise.all([once(holder, 'close'), once(looker, 'close')]);
  }
  assert.deepEqual(readLockHolders([path]), []);
});

test('when systemd and cron are asked, timers and jobs are read; what is no list is a fault', () => {
  const listed = [
    { unit: 'a.timer', activates: 'b.service', next: 1_795_270_360_328_647, last: 0 },
    { unit: 'c.timer' },
  ];
  assert.deepEqual(parseTimers(JSON.stringify(listed)), [
    { name: 'a.timer', job: 'b.service', next: 1_795_270_360_328, last: null },
    { name: 'c.timer', job: 'c.service', next: null, last: null },
  ]);
  assert.throws(() => parseTimers('0 timers listed.'), { code: 'capability_failed' });
  const table = '# m h\nSHELL=/bin/sh\n17 *\t* * * root cd / && true\n@daily www /bin/clean up\n* * *\n';
  assert.deepEqual(
    parseCrontab(table, '/etc/crontab', null).map(({ user, command }) => [user, command]),
    [
      ['root', 'cd / && true'],
      ['www', '/bin/clean up'],
    ],
  );
  assert.equal(parseCrontab('5 4 * * 1 /bin/job', '/var/spool/cron/crontabs/ada', 'ada')[0]?.command, '/bin/job');
});

test('when arrays, disks and mounts are read, only what is wrong and not meant so is told', () => {
  const mdstat =
    'Personalities : [raid1]\nmd0 : active raid1 sda1[0]\n      1 blocks [2/1] [U_]\nmd1 : active raid1 a b\n  1 blocks [2/2] [UU]\n';
  assert.deepEqual(parseMdstat(mdstat), [
    { name: 'md0', members: 2, missing: 1 },
    { name: 'md1', members: 2, missing: 0 },
  ]);
  assert.deepEqual(parseScan('{"devices":[{"name":"/dev/sda"},{"name":"/dev/bus/0 -x"}]}'), ['/dev/sda']);
  assert.deepEqual(parseScan('no json'), []);
  const mounts = [
    '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
    '2 1 8:2 / /data rw - ext4 /dev/sda2 ro',
    '3 1 8:3 / /keep ro - ext4 /dev/sda3 ro',
    '4 1 8:1 /x /jail ro - ext4 /dev/sda1 rw',
    '5 1 7:0 / /snap ro - squashfs /dev/loop0 ro',
  ];
  const found = readOnlyByMistake(parseMounts(mounts.join('\n')), '/dev/sda3 /keep ext4 ro,noatime 0 2\n');
  assert.deepEqual(
    found.map(({ mount }) => mount),
    ['/data'],
  );
});

test('when files of logrotate are read, their logs are found, and copies told from logs', () => {
  using place = new Place();
  for (const name of ['a.log', 'b.log', 'a.log.1']) writeFileSync(place.at(name), 'x');
  const file = `weekly\n"${place.root}/*.log" ${place.root}/none {\n  rotate 3\n  postrotate\n    /bin/x { }\n  endscript\n}\n/one { daily }\n/two\n{\n}\n`;
  assert.deepEqual(parsePatterns(file), [`${place.root}/*.log`, `${place.root}/none`, '/one', '/two']);
  writeFileSync(place.at('shop'), file);
  assert.deepEqual(logsOf('shop', place.root), [place.at('a.log'), place.at('b.log')]);
  assert.equal(isMovedCopy('/l/a.log.1', '/l/a.log'), true);
  assert.equal(isMovedCopy('/l/a.log (deleted)', '/l/a.log'), true);
  assert.equal(isMovedCopy('/l/a.log', '/l/a.log'), false);
  assert.equal(isMovedCopy('/l/a.log.bak', '/l/a.log'), false);
});

test('when logrotate is tried out, what it would lose or complain of is seen', () => {
  const said =
    'rotating pattern: /l/*.log  forced from command line (2 rotations)\nrotating log /l/a.log, log->rotateCount is 2\n';
  assert.deepEqual(parseDryRun(said), { rotating: ['/l/a.log'], losing: false, error: null, scripts: false });
  assert.equal(
    parseDryRun('rotating pattern: /l/*.log  forced from command line (no old logs will be kept)').losing,
    true,
  );
  assert.equal(
    parseDryRun('error: skipping "/l/a.log" because parent directory has insecure permissions').error?.startsWith(
      'skipping',
    ),
    true,
  );
});
