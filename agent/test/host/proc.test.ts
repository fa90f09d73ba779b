import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { parseOsRelease, readFacts, readStatusSample } from '@countersign/agent/host/facts';
import { chooseMounts, deepest, parseMounts, roomOf } from '@countersign/agent/host/mounts';
import {
  parseCgroup,
  parseStat,
  readDeletedFiles,
  readOpenFiles,
  readProcesses,
} from '@countersign/agent/host/processes';
import { figureAfter, parseCpuTimes, parseMemory, parsePressure } from '@countersign/agent/host/system';
import { systemClock } from '@countersign/protocol';
import { serverFactsSchema, statusSampleSchema } from '@countersign/protocol/agent-wire/facts';
import { Place } from '../capabilities/context.ts';

test('when facts and a sample are read on this machine, they fit the wire', () => {
  const facts = serverFactsSchema.parse(readFacts({ clock: systemClock, root: true }));
  assert.ok(facts.bootedAt < Date.now());
  assert.equal(facts.cpus, Math.max(1, facts.cpus));
  statusSampleSchema.parse(readStatusSample(systemClock, 2));
});

test('when processes are read, this one is among them with its true size', () => {
  const self = readProcesses().find(({ pid }) => pid === process.pid);
  assert.ok(self);
  const ratio = self.memoryBytes / process.memoryUsage().rss;
  assert.ok(ratio > 0.5 && ratio < 2, `resident memory is off by ${ratio}`);
});

test('when a name of a process holds brackets and blanks, its figures are still found', () => {
  const parsed = parseStat('42 (a) b (c) S 1 42 42 0 -1 0 1 2 3 4 500 600 0 0 20 7 1 0 777 1000 30 0', 4096);
  assert.deepEqual(parsed, {
    pid: 42,
    parent: 1,
    name: 'a) b (c',
    state: 'S',
    ticks: 1100,
    nice: 7,
    startedTicks: 777,
    memoryBytes: 30 * 4096,
  });
  assert.equal(parseStat('nonsense', 4096), null);
});

test('when a process belongs to a unit or a container, it is named', () => {
  assert.equal(parseCgroup('0::/system.slice/nginx.service\n'), 'nginx.service');
  assert.equal(parseCgroup('0::/user.slice/user-0.slice/session-3.scope\n'), 'session-3.scope');
  assert.equal(parseCgroup(`0::/system.slice/docker-${'ab12'.repeat(16)}.scope\n`), 'docker:ab12ab12ab12');
  assert.equal(parseCgroup(`0::/docker/${'ab12'.repeat(16)}\n`), 'docker:ab12ab12ab12');
  assert.equal(parseCgroup('5:memory:/x\n1:name=systemd:/system.slice/a.service/sub\n'), 'a.service');
  assert.equal(parseCgroup('0::/\n'), null);
});

test('T16: when a user calls a group of their own like a unit of the server, their process does not belong to that unit', () => {
  const own = '/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service';
  assert.equal(parseCgroup(`0::${own}\n`), 'user@1000.service');
  assert.equal(parseCgroup('0::/system.slice/shop.service/workers/ssh.service\n'), 'shop.service');
  assert.equal(parseCgroup(`0::/docker/${'ab12'.repeat(16)}/system.slice/nginx.service\n`), 'docker:ab12ab12ab12');
});

test('when a file is deleted while it is open, it is found with its size and all that have it open; memory files are not', async () => {
  using place = new Place();
  writeFileSync(place.at('log'), '');
  const file = openSync(place.at('log'), 'r+');
  const child = spawn('sleep', ['60'], { stdio: ['ignore', file, 'ignore'] });
  try {
    await once(child, 'spawn');
    writeSync(file, Buffer.alloc(1_000_000, 'x'));
    const open = readOpenFiles().identities.size;
    assert.ok(open > 0);
    rmSync(place.at('log'));
    const found = readDeletedFiles().files.find(({ path }) => path === place.at('log'));
    assert.deepEqual(found?.pids.toSorted(), [process.pid, child.pid].toSorted());
    assert.ok((found?.bytes ?? 0) >= 1_000_000);
    assert.equal(
      readDeletedFiles().files.some(({ path }) => path.startsWith('/memfd')),
      false,
    );
  } finally {
    child.kill();
    closeSync(file);
  }
});

test('when mounts are chosen, each file system counts once and those of containers, the kernel and the network do not', () => {
  const line = (device: string, mount: string, type: string, options = 'rw') =>
    `36 35 ${device} / ${mount} ${options} - ${type} /dev/x rw`;
  const text = [
    line('8:1', '/', 'ext4'),
    line('8:1', '/var/lib/a', 'ext4'),
    line('8:2', '/srv/a\\040b', 'xfs', 'ro'),
    line('0:5', '/proc', 'proc'),
    line('0:6', '/dev/shm', 'tmpfs'),
    line('0:7', '/var/lib/docker/overlay2/x/merged', 'overlay'),
    line('0:8', '/mnt/share', 'nfs4'),
  ].join('\n');
  const { mounts, network } = chooseMounts(parseMounts(text));
  assert.deepEqual(
    mounts.map(({ mount, readOnly }) => [mount, readOnly]),
    [
      ['/', false],
      ['/srv/a b', true],
      ['/dev/shm', false],
    ],
  );
  assert.deepEqual(
    network.map(({ mount }) => mount),
    ['/mnt/share'],
  );
  assert.ok(roomOf('/').usedRatio > 0);
});

test('when figures of the kernel are parsed, units and missing lines are minded', () => {
  assert.deepEqual(parseMemory('MemTotal: 2 kB\nMemAvailable: 1 kB\n'), {
    totalBytes: 2048,
    availableBytes: 1024,
    swapTotalBytes: 0,
    swapFreeBytes: 0,
  });
  const vmstat = 'oom_kill 3\nnuma_oom_kill 9\nswap 2\n';
  assert.deepEqual(
    ['oom_kill ', 'swap ', 'oom ', 'kill '].map((word) => figureAfter(vmstat, word)),
    [3, 2, null, null],
  );
  assert.deepEqual(
    parsePressure('some avg10=1.50 avg60=2.00 avg300=0 total=1\nfull avg10=0.10 avg60=0.20 avg300=0 total=1\n'),
    { some10: 1.5, some60: 2, full10: 0.1, full60: 0.2 },
  );
  assert.deepEqual(parseCpuTimes('cpu  10 0 5 80 3 0 1 1 9 9\ncpu0 1\n'), {
    total: 100,
    idle: 80,
    iowait: 3,
    steal: 1,
  });
  assert.deepEqual(parseOsRelease('ID=debian\nPRETTY_NAME="Debian 12"\nVERSION_ID="12"\n'), {
    id: 'debian',
    name: 'Debian 12',
    version: '12',
  });
});

test('when mounts lie in each other, a path is held by the deepest one, the last where two have the same point', () => {
  const lines = parseMounts(
    [
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
      '2 1 8:2 / /srv rw - ext4 /dev/sda2 rw',
      '3 2 0:9 / /srv/share rw - nfs4 nas:/share rw',
      '4 1 8:3 / /srv rw - xfs /dev/sda3 rw',
    ].join('\n'),
  );
  const typeAt = (path: string) => deepest(lines, path)?.type;
  assert.deepEqual(['/', '/srvx', '/srv/a', '/srv/share/a'].map(typeAt), ['ext4', 'ext4', 'xfs', 'nfs4']);
  assert.equal(deepest([], '/'), undefined);
});
