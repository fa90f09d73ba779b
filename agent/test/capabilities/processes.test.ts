import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { changers, observers } from '@countersign/agent/capabilities/index';
import {
  conntrackMost,
  parseConntrack,
  parseConntrackDrops,
} from '@countersign/agent/capabilities/processes/conntrack';
import { memoryLimit } from '@countersign/agent/capabilities/processes/offers';
import { parseIoClass, withFormerNice } from '@countersign/agent/capabilities/processes/process-renice';
import { findProcess, touchable } from '@countersign/agent/capabilities/processes/same-process';
import { fstabWith } from '@countersign/agent/capabilities/processes/swap-add';
import { whyNoSwapAt, whyOthersReach } from '@countersign/agent/capabilities/processes/swap-place';
import { parseLimit } from '@countersign/agent/capabilities/units/memory-limits';
import { parseOpenFileLimits, readProcess, readThreads, unitOfProcess } from '@countersign/agent/host/processes';
import { parseSwaps } from '@countersign/agent/host/swaps';
import { readMemory } from '@countersign/agent/host/system';
import { changes } from '@countersign/protocol';
import { Place } from './context.ts';

const GIB = 1024 ** 3;

test('when swap is listed, its names are unescaped and lines of another form are left out', () => {
  const text = [
    'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority',
    '/dev/sda2                               partition\t2097148\t\t1024\t\t-2',
    '/srv/swap\\040file                       file\t\t98276\t\t0\t\t5',
    '/srv/gone\\040(deleted) file nothing 0 0',
    'what is this',
    '',
  ].join('\n');
  assert.deepEqual(parseSwaps(text), [
    { path: '/dev/sda2', kind: 'partition', bytes: 2_097_148 * 1024, usedBytes: 1024 ** 2, priority: -2 },
    { path: '/srv/swap file', kind: 'file', bytes: 98_276 * 1024, usedBytes: 0, priority: 5 },
  ]);
  assert.deepEqual(parseSwaps(''), []);
});

test('when programs and the kernel say something unexpected of limits, it is not known', () => {
  assert.deepEqual(parseConntrack('12\n2000\n'), { count: 12, max: 2000 });
  for (const text of ['', '12\n', '12\n0\n', 'sysctl: cannot stat\n', '1\n2\n3\n'])
    assert.equal(parseConntrack(text), null);
  const table = 'entries  searched found new drop early_drop\n00000001 0 0 0 0000000a 0\n00000001 0 0 0 00000001 0\n';
  assert.equal(parseConntrackDrops(table), 11);
  for (const text of ['', 'entries found\n1 2\n', 'entries drop\n', 'entries drop\n1\n'])
    assert.equal(parseConntrackDrops(text), null);
  assert.deepEqual(parseOpenFileLimits('Max open files            64                   8192                 files\n'), {
    soft: 64,
    hard: 8192,
  });
  assert.equal(parseOpenFileLimits('Max open files  unlimited unlimited files')?.soft, Number.POSITIVE_INFINITY);
  assert.equal(parseOpenFileLimits('Max processes 1 1 processes'), null);
  assert.deepEqual(parseIoClass('best-effort: prio 4'), { io_class: 2, io_level: 4 });
  assert.deepEqual(parseIoClass('idle'), { io_class: 3, io_level: 0 });
  for (const text of ['', 'unknown: prio 1', 'ionice: failed']) assert.equal(parseIoClass(text), null);
  for (const text of ['infinity', '[not set]', '', undefined]) assert.equal(parseLimit(text), null);
  assert.equal(parseLimit('104857600'), 104_857_600);
});

test('when a process has ended, or its number was given to another one, it is not the one that was meant', async () => {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  const pid = child.pid ?? assert.fail();
  const start_time = readProcess(pid)?.startedTicks ?? assert.fail();
  const unit = unitOfProcess(pid);
  try {
    assert.equal(findProcess({ pid, start_time })?.name, 'sleep');
    assert.deepEqual(readThreads(pid), [{ tid: pid, nice: 0 }]);
    assert.equal(findProcess({ pid, start_time: start_time + 1 }), null);
    assert.throws(() => touchable({ pid, start_time: start_time + 1, unit: 'a.service' }), {
      code: 'precondition_failed',
      message: /was given to another one/,
    });
    assert.throws(() => touchable({ pid, start_time, unit: 'other.service' }), {
      code: 'precondition_failed',
      message: unit === null ? /belongs to no unit/ : /belongs to .*, not to other\.service/,
    });
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  assert.equal(findProcess({ pid, start_time }), null);
  using place = new Place();
  const state = await observers['process.state']({ pid, start_time }, place.observe());
  assert.deepEqual(state, { alive: false, name: null, nice: null, memory_bytes: null });
});

test('when threads were begun after their process got another nice value, they get that of the main thread from before', () => {
  const before = [
    { tid: 10, nice: -5 },
    { tid: 11, nice: 3 },
  ];
  assert.deepEqual(withFormerNice([{ tid: 10 }, { tid: 11 }, { tid: 99 }], before), [...before, { tid: 99, nice: -5 }]);
});

test('when a process is our own or carries the server, it is not touched', () => {
  const self = { pid: process.pid, start_time: readProcess(process.pid)?.startedTicks ?? 0, unit: 'a.service' };
  assert.throws(() => touchable(self), /Countersign itself|protected/);
  for (const pid of [0, 1, -1])
    assert.equal(changes['process.end'].parameters.safeParse({ pid, start_time: 1, unit: 'a' }).success, false);
});

test('when a process is to be given more time to end than a minute, it is refused', async () => {
  using place = new Place();
  const parameters = changes['process.end'].parameters.parse({ unit: 'a', pid: 2, start_time: 1, wait: '2m' });
  await assert.rejects(changers['process.end'].preview(parameters, place.observe()), {
    code: 'invalid_input',
    message: /wait: at most 60s/,
  });
});

test('when a limit of memory is offered, it has room to grow and leaves room for the others', () => {
  const offered = (used: number, total: number) => memoryLimit('a.service', used, total, 'because')[0]?.parameters.max;
  assert.equal(offered(2 * GIB, 16 * GIB), '3072M');
  assert.equal(offered(10 * GIB, 16 * GIB), '13107M', 'no more than 80 % of all');
  assert.equal(offered(12 * GIB, 16 * GIB), undefined, 'a tenth more than it holds is beyond that');
});

test('when a swap file would be unwise, it is refused with the reason', async () => {
  using place = new Place();
  const preview = (path: string, size: string, rules = {}) =>
    changers['swap.add'].preview(changes['swap.add'].parameters.parse({ path, size }), place.observe(rules));
  await assert.rejects(preview('/swapfile', '64M'), { code: 'path_denied' });
  await assert.rejects(preview(place.at('a swap'), '64M'), { code: 'invalid_input' });
  writeFileSync(place.at('taken'), '');
  await assert.rejects(preview(place.at('taken'), '64M'), {
    code: 'precondition_failed',
    message: /is a file .* already/,
  });
  await assert.rejects(preview(place.at('denied'), '64M', { deniedPaths: [place.root] }), { code: 'path_denied' });
  assert.match(whyNoSwapAt('/dev/shm/swapfile', 64 * 1024 ** 2) ?? '', /tmpfs|needs ext4 or xfs/);
  const EXT4 = 0xef53;
  if (statfsSync(place.root).type === EXT4) {
    const huge = readMemory().totalBytes * 3;
    assert.match(whyNoSwapAt(place.at('swapfile'), huge) ?? '', /twice the memory/);
    const { bavail, bsize } = statfsSync(place.root);
    assert.match(
      whyNoSwapAt(place.at('swapfile'), bavail * bsize) ?? '',
      /twice the memory|a tenth of the file system/,
    );
  }
  assert.equal(existsSync(place.at('swapfile')), false);
});

test('T15: when others than root can write to a folder above, no swap file is made there', () => {
  assert.equal(whyOthersReach('/etc'), null);
  assert.equal(whyOthersReach('/'), null);
  assert.match(whyOthersReach('/tmp') ?? '', /change \/tmp,/);
  assert.match(whyOthersReach('/tmp/no/such/folder') ?? '', /change \/tmp,/);
  assert.match(whyOthersReach('/etc/no-such-folder') ?? '', /change \/etc\/no-such-folder,/);
});

test('when fstab gets its line, what it has stays as it is, and no file stands there twice', () => {
  assert.equal(fstabWith('', '/swapfile'), '/swapfile none swap sw,nofail 0 0\n');
  assert.equal(
    fstabWith('# ours\nUUID=1 / ext4 defaults 0 1', '/s'),
    '# ours\nUUID=1 / ext4 defaults 0 1\n/s none swap sw,nofail 0 0\n',
  );
  assert.throws(() => fstabWith('  /s\tnone swap sw 0 0\n', '/s'), { code: 'precondition_failed' });
});

test('when swap is emptied that is not there, it is refused', async () => {
  using place = new Place();
  const parameters = changes['swap.cycle'].parameters.parse({ device: '/srv/no-such-swap' });
  await assert.rejects(changers['swap.cycle'].preview(parameters, place.observe()), {
    code: 'precondition_failed',
    message: /is not used as swap/,
  });
});

test('when the table of connections would shrink, or outgrow the memory, it is refused', async (t) => {
  using place = new Place();
  const preview = (max: number) => changers['conntrack.raise'].preview({ max }, place.observe());
  const now = await observers['conntrack.state']({}, place.observe()).catch(() => null);
  if (now === null) return t.skip('the kernel tracks no connections here');
  await assert.rejects(preview(now.max), { code: 'precondition_failed', message: /tracks \d+ connections already/ });
  await assert.rejects(preview(conntrackMost() + 1), { code: 'precondition_failed', message: /memory of this server/ });
});
